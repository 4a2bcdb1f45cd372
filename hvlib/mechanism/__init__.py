"""Witness 2, the mechanism: page tables and frames, changed by events and counted. It knows nothing of arithmetic."""
