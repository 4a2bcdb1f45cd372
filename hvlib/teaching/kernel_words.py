"""What "You are the kernel" says, as data: Python (`kernel_rules`) and the page (static/kernel.js) fill the same sentences.

A place such as ``{pages:many}`` names a value and how it is written; `FORMS` are the ways. Both sides write numbers
alike because there is nothing more to it than that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

DISASTERS = {
    "stale": "Freed too early",
    "shown": "Freed while shown",
    "headless": "No head",
    "echo": "One write, many pages",
    "fake": "A fake head",
    "frozen": "A frozen head",
    "table": "The table given away",
}
"""Disaster -> its name. All but the last are on the list that the reader is given to find."""

TRUTHS = {
    "tails_find_their_head": "every tail finds its head",
    "the_head_says_pg_head": "the head says PG_head",
    "the_head_can_be_written": "the head can be written",
    "no_frame_free_and_used": "no frame is free and used",
    "free_only_after_flush": "freed only after a flush",
    "one_writable_entry_per_frame": "one writable entry per frame",
}
"""Those of the engine's invariants that this game can break by itself, as its picture names them."""

WORDS = {
    # what a player did
    "split": "A page table has replaced the one entry. The table takes a frame, so one fewer is free. Every page shows what it showed before.",
    "fake known": "Struct page {page:struct} says PG_head and is none. The test of 5.18 looks at its neighbour, {page:next}, and finds the real head.",
    "own": "Page {page} shows its own frame again.",
    "like": "Page {page} shows frame {frame}, like {pages:pages}. Its tails read the same: all tail pages are alike.",
    "alone": "Page {page} shows frame {frame}. That is allowed, for all tail pages are alike, but shows no frame twice.",
    "still writable": "It can still be written through this entry.",
    "left": "No entry leads to frame {frame} now.",
    "open": "Struct pages {page:span} can be written through this entry again.",
    "head closed": "The head may not be written through this entry.",
    "closed": "Page {page}’s entry is read-only: a write to struct pages {page:span} will fault and change nothing.",
    "closed late": "Page {page}’s entry is read-only: a write to struct pages {page:span} will fault, once the CPUs have flushed.",
    "closed alone": "Page {page}’s entry is read-only. It still has frame {frame} to itself.",
    "forgotten": "Both CPUs have forgotten what they knew, and ask the page table again.",
    "unreachable": "Both CPUs have forgotten what they knew. Nobody can reach {frames:frames} any more.",
    "freed": "{frames:Frames} {frames:is} free; {net:word} more than before.",
    "freed table": "{frames:Frames} {frames:is} free; that pays for the page table.",
    "freed debt": "{frames:Frames} {frames:is} free; one fewer than before.",
    "lucky": "You were lucky: no TLB happened to know it. A kernel cannot look into a TLB, so it must flush first.",
    "likewise": "{pages:Pages} likewise: frame {frame}, read-only.",
    "likewise left": "No entry leads to {frames:frames} now.",
    "learned": "This is 5.18: compound_head() asks three more questions and sees through fake heads. Pages 1 to 7 may show frame 0, read-only.",
    "undone": "Taken back.",
    "undone disaster": "Taken back. What you found stays on your list.",
    "reset": "Everything is as it was at boot. What you found stays on your list.",
    # what is not possible, and why
    "crashed": "This kernel has crashed. Undo, or start over.",
    "split already": "It is split already: eight entries here, and 504 for its neighbours.",
    "no entry": "There is no entry for page {page} alone. One PMD entry maps 512 pages to 512 frames in a row. Split it first.",
    "no entry to close": "There is one entry for 512 pages. Read-only, it would freeze the heads of 64 huge pages. Split it first.",
    "holds table": "That frame holds the page table, not struct pages.",
    "for table": "That frame is free. A page table would take it.",
    "shows already": "Page {page} shows frame {frame} already.",
    "open already": "Page {page}’s entry is writable already.",
    "closed already": "Page {page}’s entry is read-only already.",
    "free already": "Frame {frame} is free already.",
    "none unused": "No frame is unused: to each an entry still leads.",
    "none unused yet": "No frame is unused: the one PMD entry leads to all eight.",
    "nothing likewise": "There is nothing yet to be done likewise. Lead two pages to one frame, read-only, first.",
    "learned already": "This kernel knows fake heads already.",
    "nothing to undo": "There is nothing to undo.",
    # what the keys are about to do
    "aim": "Page {page} to frame {frame}? Enter leads it there.",
    "aim at own": "Page {page} shows frame {frame}.",
    "aim first": "Page {page} shows frame {frame}. Choose another with ↑ and ↓; Enter then leads it there.",
    # what the two CPUs did
    "still writes": "CPU 0 still writes the head: its TLB remembers “writable”. The next flush will end that.",
    "caught": "A driver’s bug on CPU 1 tried to write to struct page {page:slot}: a page fault. The bug is caught, the frame unchanged.",
    # disasters
    "led to a free frame": "Page {page} shows frame {frame}, which is free: whoever gets it writes over these 64 struct pages.",
    "freed while shown": "{pages:Pages} still {pages:show} frame {frame}, which now belongs to somebody else: {structs} struct pages read as nonsense.",
    "head led away": "Struct page 0 reads as a tail now, one that names itself. All 512 lead to a head that is not there.",
    "head freed": "The head was in this frame, and nowhere else. The huge page has no reference count, no order, no owner.",
    "table freed": "The page table lay in this frame. Somebody else fills it, and 512 entries lead anywhere. Linux never gives it back.",
    "fake head": "Struct page {page:struct} now says PG_head and is a tail. In 5.14 compound_head() believes it: a huge page that does not exist. Linux 5.18 has a test for that.",
    "wrote by a stale line": "CPU {cpu} wrote into frame {frame}, which now belongs to somebody else. Its TLB still led page {page} there.",
    "read by a stale line": "CPU {cpu} looked for struct page {page:slot} in frame {frame}, which now belongs to somebody else, and took what it found for a head.",
    "echo": "A driver’s bug on CPU 1 wrote to struct page {page:slot}, and the mark shows in {many:word} struct pages: frame {frame} is writable through {entries:word} entries.",
    "frozen": "CPU 0 counts a reference in the head and gets a page fault: an oops. The head must stay writable.",
    # goals
    "six": "Every tail still finds its head.",
    "six, one flush": "Every tail still finds its head. With one flush: Linux takes two.",
    "seven": "Seven of eight, as in Linux 5.18. The table serves 63 more huge pages, and each of those brings all seven.",
    # hints
    "hint undo": "Take the last move back and try another.",
    "hint learn": "Take the test of Linux 5.18, and go on; or take the move back.",
    "hint split": "One entry maps all eight pages, and 504 others. Split it, to get an entry for each.",
    "hint seventh": "Page 1 is made of tails only, too. Lead it to frame 0, and see what struct page 64 says.",
    "hint flush early": "Linux flushes here, after the split. It can wait, if you flush before you free.",
    "hint close": "Frame {frame} stands for several pages now. Make page {page}’s entry read-only.",
    "hint lead": "Drag the tip of page {page}’s arrow to frame {frame}.",
    "hint flush": "The CPUs may remember the old frames. Flush, before anything is freed.",
    "hint free": "No entry leads to these frames, and no CPU remembers them. Free them.",
    "hint break": "Nothing is left to do here. Try to break it.",
}  # fmt: skip
"""Key -> sentence."""

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
PER_PAGE, SLOT = 64, 44
"""Struct pages in a vmemmap page, and the one of them that the driver with a bug writes to."""


def numbers(some: list[int]) -> str:
    """Numbers as people list them: "3", "3 and 5", "2 to 7"."""
    if len(some) > 2 and some[-1] - some[0] == len(some) - 1:
        return f"{some[0]} to {some[-1]}"
    return f"{', '.join(map(str, some[:-1]))} and {some[-1]}" if len(some) > 1 else str(some[0])


def _noun(noun: str) -> Callable[[list[int]], str]:
    return lambda some: f"{noun}{'s' if len(some) > 1 else ''} {numbers(some)}"


FORMS: dict[str, Callable[[Any], str]] = {
    "": str,
    "word": lambda n: _NUMBERS[n],
    "struct": lambda page: str(page * PER_PAGE),
    "next": lambda page: str(page * PER_PAGE + 1),
    "slot": lambda page: str(page * PER_PAGE + SLOT),
    "span": lambda page: f"{page * PER_PAGE} to {page * PER_PAGE + PER_PAGE - 1}",
    "pages": _noun("page"),
    "Pages": _noun("Page"),
    "frames": _noun("frame"),
    "Frames": _noun("Frame"),
    "is": lambda some: "are" if len(some) > 1 else "is",
    "show": lambda some: "show" if len(some) > 1 else "shows",
}


def written(said: tuple[str, Mapping[str, Any]]) -> str:
    """A sentence, from its key and its values."""
    key, values = said
    text = re.sub(r"\{(\w+):?(\w*)\}", lambda place: FORMS[place[2]](values[place[1]]), WORDS[key])
    return text[0].upper() + text[1:]


DATA: dict[str, Any] = {
    "title": "You are the kernel",
    "about": "vmemmap pages, their page table, page frames, and two CPUs with what their TLBs remember",
    "opening": "The struct pages of one huge page lie on eight pages, in eight frames, and pages 1 to 7 all say the same. Give six frames back, while two CPUs go on reading.",
    "help": "Drag an arrow’s tip to another frame. Click an entry to make it read-only, a frame to free it.",
    "keys": "Keys: Tab to the entries, ← → for another page; ↑ ↓ choose a frame, Enter leads there, Space makes read-only.",
    "buttons": {"split": "Split", "flush": "Flush TLBs", "free": "Free unused", "undo": "Undo", "hint": "Hint", "reset": "Start over"},
    "offers": {"learn": "Use the test of Linux 5.18", "go on": "Go on with Linux 5.18", "likewise": "The same for"},
    "headings": {"truths": "What must hold", "six": "Free six frames safely", "seven": "Then try the seventh", "found": "Break it: six disasters"},
    "stars": ["six frames freed", "without a disaster", "with two flushes at most"],
    "seven": "seven of eight",
    "done": "Done",
    "meter": "free frames, more than at boot",
    "truths": TRUTHS,
    "disasters": DISASTERS,
    "listed": list(DISASTERS)[:6],
    "words": WORDS,
}  # fmt: skip
"""All words of the game, for a browser."""
