"""Witness 1, arithmetic: closed formulas over sizes. It knows nothing of the mechanism."""
