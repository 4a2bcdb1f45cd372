"""Measure what design promises: each part against its baseline, in one run; the results are book/benchmarks.md.

A part takes its samples in turns (this, the baseline, this, the baseline), so that both see the same machine, and
ratios are taken within a turn. `make bench` runs all of them.
"""
