"""Grade the problem sets of `hvlib.teaching.homework`: keys, notebooks, a wall around what students hand in, scores.

Not part of the library that students use. No code of a student runs in the process that knows the answers.
"""
