"""Witness 3, real kernels: what they recorded, what this machine says, and the model on trial against it."""
