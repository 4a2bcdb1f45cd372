"""The kernel lab: boots a real Linux in QEMU, and reads from its page tables how it keeps struct pages.

Standard library only. Independent of hvlib, whose model its records are there to check.
``python -m kernel_lab --help``.
"""


class LabError(Exception):
    """Something is missing or went wrong; one sentence that says what to do."""
