"""Questions of chapter 6."""

from __future__ import annotations

from ...arithmetic.geometry import HugePage
from ...facts.schemes import SCHEMES
from ...mechanism.machine import Machine
from ..ask import Question, count, order_of, sequence, thousands

_STEPS = ("split", "remap", "flush", "free")


def _freed_by_machine(size: str, count: int, scheme: str) -> int:
    """Frames gained net of page tables by ``count`` aligned huge pages, counted by the mechanism."""
    machine = Machine("4 GiB", check=False)
    skip = machine.hugetlb("2 MiB", 63)
    pool = machine.hugetlb(size, count)
    assert pool.pfns[0] % (64 * 512) == 0, skip
    before = machine.free_frames
    pool.optimize(scheme)
    return machine.free_frames - before


def _frame_read(struct_page: int) -> int:
    """Whose frame, by number of vmemmap page, a load of this struct page reaches after the remap of 2021."""
    machine = Machine("1 GiB", check=False)
    pool = machine.hugetlb("2 MiB")
    before = pool.frames()
    pool.optimize(SCHEMES["tail page"])
    return before.index(pool.frames()[struct_page // 64])


def _order_of_steps() -> tuple[str, ...]:
    """The four steps as the mechanism takes them."""
    machine = Machine("1 GiB", check=False)
    machine.hugetlb("2 MiB").optimize("tail page")
    names = {"SplitPmd": "split", "Remap": "remap", "FlushTlb": "flush", "FreeFrames": "free"}
    taken = [names[name] for event in machine.events if (name := type(event).__name__) in names]
    after_remap = taken[taken.index("remap") :]
    return ("split", *dict.fromkeys(after_remap))


QUESTIONS: dict[str, Question] = {
    "where struct page 300 is read": Question(
        "Number the frames 0 to 7, after the vmemmap page that each backs at boot. After the remap, the kernel reads "
        "struct page 300. From which frame do the bytes come?",
        count,
        lambda _: _frame_read(300),
        "Struct page 300 lies in vmemmap page 4, whose entry leads to the frame of page 1.",
        (
            (lambda _: 300 // 64, "300 / 64 gives vmemmap page 4, so that is the entry used. But that entry now leads to another frame."),
            (lambda _: 0, "Frame 0 holds the head and is not shared in this scheme. (From 5.18 to 7.0 the head's frame was.)"),
        ),
        write=thousands,
        hint="In which vmemmap page does struct page 300 lie, and where does the entry of that page lead?",
    ),
    "freed for 1 GiB": Question(
        "The scheme of 5.14 to 5.17, a 1 GiB page of x86-64: how many frames go back to the buddy allocator, before page tables?",
        count,
        lambda _: HugePage("1 GiB").freed("tail page"),
        "4,096 vmemmap pages, of which pages 0 and 1 keep their frames.",
        (
            (lambda _: 4095, "4,095 is since 5.18, when page 1's frame is freed too."),
            (lambda _: 4096, "Two vmemmap pages keep their frames."),
            (lambda _: 6, "6 is for a 2 MiB page."),
            (lambda _: 262142, "That counts struct pages. What is freed are frames, each with 64 struct pages."),
            (lambda _: 4086, "That is after the eight page tables; the question asks before."),
        ),
        write=thousands,
        hint="Count the vmemmap pages, and take away those that keep a frame of their own.",
    ),
    "net of page tables": Question(
        "On x86-64, {count} neighbouring huge pages of 2 MiB begin at a multiple of 128 MiB, and none was optimised before. With "
        "the scheme of 5.14, how many more frames are free afterwards, page tables subtracted?",
        count,
        lambda g: _freed_by_machine("2 MiB", g["count"], "tail page"),
        "6 for each, less one page table for every 64 huge pages (128 MiB of memory).",
        (
            (lambda g: 6 * g["count"], "That is gross. Each split PMD leaf needs a page table; how many leaves are there?"),
            (lambda g: 5 * g["count"], "A page table serves the vmemmap of 64 huge pages of 2 MiB, not of one."),
            (lambda g: 7 * g["count"], "7 is since 5.18, and gross."),
            (lambda g: 6 * g["count"] - 1, "One page table serves 128 MiB of memory; there is more here."),
        ),
        lambda r: {"count": 64 * r.randrange(2, 8)},
        thousands,
        hint="What does one huge page free, and how many page tables do all of them need together?",
    ),
    "order of the steps": Question(
        "Put in order, as the kernel does it: free, remap, flush, split. (There is a flush after the split as well; "
        "here 'flush' means the last one.)",
        order_of(*_STEPS),
        lambda _: _order_of_steps(),
        "Entries exist only after the split, and a frame may be used by others only when no CPU can still reach it.",
        (
            (lambda _: ("split", "remap", "free", "flush"),
             "Until the flush a CPU may still write through an old translation, into a frame somebody else now has."),
            (lambda _: ("split", "flush", "remap", "free"),
             "That is the flush after the split. The other one must come before the frames are free, and after what?"),
            (lambda _: ("remap", "split", "flush", "free"),
             "Before the split one PMD entry maps all 512 vmemmap pages; there is no entry of one page to change."),
            (lambda _: ("split", "flush", "free", "remap"),
             "Freed before the remap, the frames are still what the entries lead to."),
        ),
        write=sequence,
        hint="What creates the single entries? And what must be true of every CPU before a frame is free?",
    ),
}  # fmt: skip
