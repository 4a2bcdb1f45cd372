"""The book for a whole class: a JupyterHub tried on this machine, and what a class needs, derived from the trial.

``hub`` starts and stops it, ``student`` is one simulated student, ``lesson`` brings twenty of them together and
measures, ``sizing`` works out machines and limits from what was measured.
"""
