"""Questions of chapter 1."""

from __future__ import annotations

from ...arithmetic.geometry import HugePage
from ...mechanism.machine import Machine
from ...units import GiB, MiB
from ..ask import Question, count, hexadecimal, in_units, size

_BASE = Machine("1 GiB", check=False).pfn_to_page(0)


QUESTIONS: dict[str, Question] = {
    "memmap of 64 GiB": Question(
        "A machine has 64 GiB of RAM. How much memory do its struct pages take?",
        size,
        lambda _: 64 * HugePage("1 GiB").memmap_bytes,
        "16,777,216 page frames with a struct page of 64 bytes each.",
        (
            (lambda _: 16 * MiB, "16 MiB is what 1 GiB of RAM needs, and 16,777,216 is the number of frames here; "
             "each of them needs 64 bytes."),
            (lambda _: 64 * MiB, "Count frames first: a frame is 4 KiB, so there are 262,144 in every GiB."),
            (lambda _: 64 * GiB // 512, "That is 8 bytes for each frame; a struct page has 64."),
        ),
        write=in_units,
        hint="Count the frames of 4 KiB, then give each of them 64 bytes.",
    ),
    "address of a struct page": Question(
        "The vmemmap starts at 0xffffea0000000000. At which address is the struct page of PFN {pfn:#x}?",
        count,
        lambda g: _BASE + g["pfn"] * 64,
        "Base + 64 * PFN: arithmetic, no memory is read.",
        (
            (lambda g: _BASE + g["pfn"], "A struct page is 64 bytes: multiply the PFN by 64 before adding."),
            (lambda g: _BASE + g["pfn"] * 4096, "That multiplies by the size of the page frame; the array holds struct pages of 64 bytes."),
            (lambda g: g["pfn"] * 64, "That is the offset in the array; add where the array starts."),
            (lambda g: _BASE + g["pfn"] * 8, "8 bytes is the size of a pointer; the array holds struct pages of 64 bytes."),
        ),
        lambda r: {"pfn": r.randrange(0x1000, 0x400000)},
        hexadecimal,
        hint="The array starts at PFN 0, and the next struct page is 64 bytes further on.",
    ),
    "memmap of a KMSAN kernel": Question(
        "A kernel built with KMSAN has a struct page of 80 bytes. How much memory do the struct pages of {ram} GiB of RAM take?",
        size,
        lambda g: HugePage("1 GiB", struct_page=80).memmap_bytes * g["ram"],
        "{ram} GiB is {ram} x 262,144 page frames, at 80 bytes each.",
        (
            (lambda g: g["ram"] * GiB // 64, "That is with 64 bytes; this kernel's struct page has 80."),
            (lambda g: g["ram"] * GiB // 80, "Not one eightieth: 80 bytes for every 4,096."),
        ),
        lambda r: {"ram": r.choice([8, 16, 32, 128, 256])},
        in_units,
        hint="Count the frames of 4 KiB, then give each of them 80 bytes.",
    ),
}  # fmt: skip
