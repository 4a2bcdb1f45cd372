"""The game "You are the kernel": its rules on the engine, each disaster by its name, and the twin without Python."""

import contextlib
import copy
import functools
import json
import random
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import hvlib as hv
from hvlib.mechanism import invariants
from hvlib.mechanism.cpus import Cpu, Line, outdated
from hvlib.mechanism.events import FlushTlb, Remap, SplitPmd
from hvlib.mechanism.vmemmap import Vmemmap
from hvlib.pictures import outputs
from hvlib.pictures.style import STYLES
from hvlib.teaching import kernel_game, kernel_rules
from hvlib.teaching.kernel_rules import LISTED, SEED, Session, move, told
from hvlib.teaching.kernel_words import DISASTERS, TRUTHS, WORDS, written

STATIC = Path(kernel_rules.__file__).parent / "static"
SPLIT, FLUSH, FREE, LIKEWISE, LEARN, UNDO, RESET = map(
    move, ("split", "flush", "free", "likewise", "learn", "undo", "reset")
)
TAILS = (2, 3, 4, 5, 6, 7)


def remap(page, frame):
    return move("remap", page=page, frame=frame)


def protect(page, writable=False):
    return move("protect", page=page, writable=writable)


def free(frame):
    return move("free", frame=frame)


def lead(pages, frame):
    """As the kernel does: each page led to one frame, and read-only."""
    return [each for page in pages for each in (remap(page, frame), protect(page))]


LEGAL = [SPLIT, FLUSH, *lead(TAILS, 1), FLUSH, FREE]


def plain(value):
    """As JSON has it: a tuple is a list."""
    return json.loads(json.dumps(value))


def seen(session, out):
    """All that a reader could notice of a move, and the hint that follows."""
    state = session.kernel.state()
    says, at = session.kernel.hint()
    words = [told(out, state), written(says)]
    return {
        "state": state,
        "says": out.says,
        "acts": out.acts,
        "refused": out.refused,
        "hint": [says, at],
        "words": words,
    }


def go(moves, seed=SEED):
    """A game of some moves, and what was seen last."""
    session, out = Session(seed), None
    for each in moves:
        out = session.play(each)
    return session, seen(session, out)


# --- the mechanism: processors ---------------------------------------------------------------------------------------


@pytest.fixture
def vmemmap():
    return Vmemmap(2048, 4096, 64)


def test_a_tlb_goes_on_leading_to_the_old_frame_until_it_is_flushed(vmemmap):
    cpu, old = Cpu(), int(vmemmap.frame[3])
    SplitPmd(*(np.array([n]) for n in (0, 1000))).apply(vmemmap)
    assert not cpu.access(vmemmap, 3).hit
    Remap(np.array([3]), vmemmap.frame[[1]], False).apply(vmemmap)
    assert cpu.lines[0] == Line(3, 1, old, True)
    assert outdated(cpu.lines[0], vmemmap, range(8)) == [3]
    late = cpu.store(vmemmap, int(vmemmap.pfn_to_page(np.array([3 * 64]))[0]), 5, 7)
    assert (late.frame, late.hit, late.fault) == (old, True, False)
    assert vmemmap.written() == {(old, 40): 7}, "written where the line says, whatever the page table says"
    FlushTlb().apply(vmemmap)
    cpu.flush()
    now = cpu.access(vmemmap, 3, write=True)
    assert (now.frame, now.hit, now.fault) == (int(vmemmap.frame[1]), False, True)


def test_a_pmd_leaf_is_one_line_and_the_first_in_is_the_first_out(vmemmap):
    cpu = Cpu(2)
    assert not cpu.access(vmemmap, 0).hit
    assert cpu.access(vmemmap, 9).hit, "one line for all of the leaf's pages"
    SplitPmd(*(np.array([n]) for n in (0, 1000))).apply(vmemmap)
    assert outdated(cpu.lines[0], vmemmap, range(8)) == []
    cpu.flush()
    assert [cpu.access(vmemmap, page).slot for page in (0, 1, 2, 2, 3)] == [0, 1, 0, 0, 1]


def test_a_write_that_the_page_table_allows_by_now_is_tried_again(vmemmap):
    cpu, page = Cpu(), np.array([2])
    SplitPmd(*(np.array([n]) for n in (0, 1000))).apply(vmemmap)
    Remap(page, vmemmap.frame[page], False).apply(vmemmap)
    assert cpu.access(vmemmap, 2, write=True).fault
    Remap(page, vmemmap.frame[page], True).apply(vmemmap)
    assert not cpu.access(vmemmap, 2, write=True).fault


def test_a_tlb_that_remembers_writable_is_out_of_date_and_lets_a_write_through(vmemmap):
    cpu, page = Cpu(), np.array([2])
    SplitPmd(*(np.array([n]) for n in (0, 1000))).apply(vmemmap)
    cpu.access(vmemmap, 2)
    Remap(page, vmemmap.frame[page], False).apply(vmemmap)
    assert outdated(cpu.lines[0], vmemmap, range(8)) == [2]
    assert not cpu.access(vmemmap, 2, write=True).fault


# --- the rules -------------------------------------------------------------------------------------------------------


def test_the_kernels_own_order_frees_six_and_breaks_nothing():
    session, last = go(LEGAL)
    state = last["state"]
    assert (state["goals"], state["stars"], state["dead"], state["broken"]) == (["six"], [True] * 3, None, [])
    assert (sum(state["free"][:8]), state["caught"]) == (6, True)
    assert last["words"][0] == "Frames 2 to 7 are free; five more than before. Every tail still finds its head."
    vmemmap = session.kernel.vmemmap
    invariants.check_all(vmemmap, "the kernel's order")
    machine = hv.Machine("8 MiB")
    pool = machine.hugetlb("2 MiB").optimize("tail page")
    assert pool.frames() == tuple(vmemmap.frame[session.kernel.first :][:8].tolist()), "as the engine's own scheme does"


@pytest.mark.parametrize("kept", [1, 4, 7])
def test_any_frame_of_tails_will_do(kept):
    pages = [page for page in (1, *TAILS) if page != kept]
    assert go([SPLIT, *lead(pages, kept), FLUSH, FREE])[1]["state"]["goals"] == ["six"]


def test_one_flush_is_enough_and_five_are_no_goal():
    last = go([each for n, each in enumerate(LEGAL) if n != 1])[1]
    assert "With one flush: Linux takes two." in last["words"][0]
    assert go([SPLIT, *lead((2, 3, 4), 1), *lead((6, 7), 5), FLUSH, FREE])[1]["state"]["goals"] == []


def test_a_hint_is_not_said_again_when_six_pages_are_led_and_nothing_is_flushed():
    kernel = Session()
    for one in (SPLIT, *(remap(page, 1) for page in range(2, 8))):
        kernel.play(one)
    says, at = kernel.kernel.hint()
    assert (says[0], at) == ("hint close", ["entry", 2])


def test_the_hints_alone_lead_to_six_and_on_to_seven_past_the_fake_head():
    session, met = Session(), []
    for _ in range(80):
        _, at = session.kernel.hint()
        if at is None:
            break
        kind, what = at
        if kind == "button":
            each = {"split": SPLIT, "flush": FLUSH, "free": FREE, "offer": LEARN}[what]
        else:
            target = 0 if "six" in session.kernel.goals else 1
            each = protect(what) if session.kernel.shown(what) == target else remap(what, target)
        assert not session.play(each).refused
        met += [session.kernel.dead["id"]] if session.kernel.dead else []
    assert (session.kernel.won, met) == (["six", "seven"], ["fake"])
    assert sum(session.kernel.free()[:8]) == 7


WAYS = {
    "a write by a stale line": ("stale", [SPLIT, *lead(TAILS, 1), free(5)], "^CPU 1 wrote into frame 5, which now"),
    "a read by a stale line": ("stale", [SPLIT, FLUSH, *lead(TAILS, 1), free(4)], "struct page 300 in frame 4"),
    "freed while an entry leads there": ("shown", [SPLIT, free(3)], r"^Page 3 still shows frame 3.*64 struct pages"),
    "freed before the split": ("shown", [free(3)], r"^Page 3 still shows"),
    "freed while seven show it": ("shown", [*LEGAL, free(1)], r"^Pages 1 to 7 still show frame 1.*448 struct pages"),
    "led to a free frame": ("shown", [SPLIT, *lead([3], 1), FLUSH, free(3), remap(4, 3)], r"which is free"),
    "the head freed": ("headless", [SPLIT, free(0)], r"^The head was in this frame"),
    "the head led away": ("headless", [SPLIT, remap(0, 1)], r"^Struct page 0 reads as a tail now"),
    "two writable entries": ("echo", [SPLIT, *(remap(page, 1) for page in TAILS), FLUSH], "492.*seven struct"),
    "writable again": ("echo", [*LEGAL, protect(3, True)], r"seven struct pages.*two entries"),
    "believed": ("fake", [SPLIT, remap(1, 0)], r"^Struct page 64 now says PG_head"),
    "the head read-only": ("frozen", [SPLIT, protect(0), FLUSH], r"page fault: an oops"),
    "the table freed": ("table", [SPLIT, free(8)], r"Linux never gives it back"),
}  # fmt: skip
"""A way to each disaster."""


@pytest.mark.parametrize("name", WAYS)
def test_each_disaster_is_reached_and_named(name):
    disaster, moves, sentence = WAYS[name]
    session, last = go(moves)
    assert (session.kernel.dead["id"], session.kernel.found) == (disaster, [disaster])
    assert re.search(sentence, written(session.kernel.dead["says"]))
    assert last["words"][0].startswith(f"{DISASTERS[disaster]}. ")
    assert session.play(FLUSH).refused, "a crashed kernel does nothing more"


def test_there_is_a_way_to_each_disaster_and_six_are_to_be_found():
    assert {disaster for disaster, _, _ in WAYS.values()} == set(DISASTERS)
    assert len(LISTED) == 6
    assert set(TRUTHS) < set(invariants.INVARIANTS)


BREAKS = {
    "headless": "the_head_says_pg_head", "shown": "no_frame_free_and_used", "fake": "tails_find_their_head",
    "stale": "free_only_after_flush", "echo": "one_writable_entry_per_frame", "frozen": "the_head_can_be_written",
    "table": "no_frame_free_and_used",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in WAYS if name != "the head freed"])
def test_behind_each_disaster_stands_a_truth_of_the_engine(name):
    """The engine's own check says so; the sentence for the reader comes from it, and not the other way round."""
    disaster, moves, _ = WAYS[name]
    session, last = go(moves)
    wrong = [name for name, check in invariants.INVARIANTS.items() if check(session.kernel.vmemmap)]
    assert BREAKS[disaster] in wrong
    assert last["state"]["broken"] == wrong


def test_freed_before_the_flush_and_known_to_nobody_is_luck_and_costs_a_star():
    session, _ = go([SPLIT, FLUSH, *lead(TAILS, 1)])
    known = {session.kernel.frames.index(line.frame) for cpu in session.kernel.cpus for line in cpu.lines if line}
    unknown = next(frame for frame in TAILS if frame not in known)
    out = session.play(free(unknown))
    assert "You were lucky" in told(out, session.kernel.state())
    assert session.kernel.broken == ["free_only_after_flush"]
    session.play(FLUSH)
    session.play(FREE)
    assert session.kernel.stars == [True, False, True]


def test_a_stale_line_puts_a_disaster_off_until_the_flush():
    session, last = go([SPLIT, protect(0)])
    assert "its TLB remembers “writable”" in last["words"][0]
    assert session.kernel.broken == ["the_head_can_be_written"]
    assert session.kernel.dead is None
    session.play(FLUSH)
    assert session.kernel.dead["id"] == "frozen"


def test_5_18_sees_through_fake_heads_and_wants_read_only_all_the_same():
    seven = [SPLIT, remap(1, 0), LEARN, protect(1), *lead(TAILS, 0), FLUSH, FREE]
    assert go(seven)[1]["state"]["won"] == ["six", "seven"]
    assert go([SPLIT, remap(1, 0), LEARN, FLUSH])[1]["state"]["dead"]["id"] == "echo"


REFUSED = [remap(3, 1), protect(3), protect(0), FREE, LIKEWISE, UNDO, free(8)]


@pytest.mark.parametrize("each", REFUSED, ids=str)
def test_what_is_not_possible_says_why_and_changes_nothing(each):
    session = Session()
    before = session.kernel.state()
    out = session.play(each)
    assert out.refused
    assert len(told(out, before)) > 15
    assert session.kernel.state() == before


def drawn(rng, session):
    """A move as players make them: mostly towards the goal, at times something else, and seldom nonsense."""
    kernel = session.kernel
    if kernel.dead and rng.random() < 0.8:
        return rng.choice([UNDO, UNDO, UNDO, LEARN, RESET])
    if rng.random() < 0.45:
        (_, values), at = kernel.hint()
        if at and at[0] == "button":
            return {"split": SPLIT, "flush": FLUSH, "free": FREE, "undo": UNDO, "offer": LEARN}[at[1]]
        if at:
            target = values.get("frame", 0)
            return protect(at[1]) if kernel.shown(at[1]) == target else remap(at[1], target)
    kinds = (
        ["remap"] * 3
        + ["protect"] * 3
        + ["flush", "free", "free one", "likewise", "likewise", "learn", "split", "undo"]
    )
    kind = rng.choice(kinds)
    if kind == "remap":
        return remap(rng.randrange(8), rng.choice([1, 1, 1, 0, rng.randrange(9)]))
    if kind == "protect":
        return protect(rng.randrange(8), rng.random() < 0.3)
    return free(rng.randrange(9)) if kind == "free one" else move(kind)


def history(seed, length):
    """A game at random: its moves, and what the engine made of each."""
    rng = random.Random(seed)
    session, moves, told_of = Session(rng.randrange(1 << 16)), [], []
    for _ in range(length):
        moves.append(drawn(rng, session))
        told_of.append(seen(session, session.play(moves[-1])))
    return session.kernel.seed, moves, told_of


@pytest.mark.parametrize("part", range(4))
def test_undo_is_the_identity_but_for_what_was_found(part):
    taken = 0
    for seed in range(part * 20, part * 20 + 20):
        rng, session = random.Random(seed), Session(seed)
        for _ in range(14):
            before = session.kernel.state()
            if session.play(drawn(rng, session)).refused or not session.past:
                continue
            now = session.kernel.state()
            length = len(session.past)
            session.play(UNDO)
            if length and session.kernel.turn <= before["turn"]:
                kept = {name: now[name] for name in ("found", "won", "stars", "blots", "gambles")}
                if session.kernel.turn == before["turn"]:
                    assert session.kernel.state() == before | kept
                    taken += 1
    assert taken > 80


# --- the widget ------------------------------------------------------------------------------------------------------


def test_a_cell_plays_and_reads_what_the_engine_says():
    game = hv.you_are_the_kernel()
    said = game.play("split")
    assert " ".join(said.split("\n")) == written(("split", {}))
    assert max(map(len, said.split("\n"))) <= kernel_game.READ
    assert game.play("remap", page=2, frame=1).startswith("Page 2 shows frame 1, like page 1.")
    assert game.play("free").startswith("Frame 2 is free") or game.state["dead"]
    assert game.play("undo").startswith("Taken back.")
    assert game.hint() == "Frame 1 stands for several pages now. Make page 2’s entry read-only."
    assert [each["do"] for each in game.moves] == ["split", "remap", "free", "undo"]
    assert game.judged == {"count": 4, "state": game.state}


def test_moves_of_a_browser_are_played_on_the_engine_and_confirmed():
    game = hv.you_are_the_kernel(7)
    game.set_state({"moves": LEGAL})
    assert game.judged == {"count": len(LEGAL), "state": go(LEGAL, 7)[0].kernel.state()}
    game.set_state({"moves": [*LEGAL, UNDO]})
    assert game.judged["state"] == go([*LEGAL, UNDO], 7)[0].kernel.state()
    game.moves = [SPLIT]
    assert game.state == go([SPLIT], 7)[0].kernel.state(), "another game"


@pytest.mark.parametrize(
    "wrong",
    [{"do": "jump"}, {"do": "remap", "page": 2}, {"do": "remap", "page": 8, "frame": 0}, {"do": "split", "page": 1},
     {"page": 1}, 7],
    ids=str,
)  # fmt: skip
def test_what_is_no_move_gets_a_sentence_and_changes_nothing(wrong):
    game = hv.you_are_the_kernel()
    before = game.state
    with pytest.raises(hv.BadInput):
        game.moves = [wrong]
    assert (game.moves, game.state) == ([], before)
    with pytest.raises(hv.BadInput, match="told and not set"):
        game.seed = 8


def test_its_output_has_words_a_picture_and_its_state(monkeypatch):
    monkeypatch.setenv("HVLIB_PNG", "1")
    game = hv.you_are_the_kernel()
    game.play("split")
    game.play("protect", page=0)
    data, metadata = game._repr_mimebundle_()
    assert data["text/plain"] == repr(game)
    assert "page 0: frame 0, read-only\n" in repr(game)
    assert "broken: the head can be written" in repr(game)
    assert outputs.read(data) == outputs.GameShown("you are the kernel", SEED, game.moves)
    assert "PTE, read-only" in data["image/svg+xml"]
    assert len(metadata["image/png"]["alt"]) > 100


def test_the_sheet_has_the_colours_of_the_books_roles():
    for role in ("head", "own", "shared", "table", "readonly", "level"):
        assert f"--hv-{role}: {STYLES[role].fill};" in kernel_game.style()
    rules = kernel_game.style().split("}", 1)[1]
    used = set(re.findall(r"var\(--hv-([a-z-]+)", kernel_game.style()))
    assert used - set(re.findall(r"--hv-([a-z-]+):", kernel_game.style())) == set()
    assert not re.search(r"font(-size)?: (\d|1[01])px", rules), "no text below 12 px"
    assert re.findall(r"#[0-9a-f]{6}", rules) == [], "no colour of its own"


# --- the twin --------------------------------------------------------------------------------------------------------

DRIVER = """
const seen = (words, session, out) => {
  const { state } = session, hint = rules.hint(state);
  const told = state.dead && !out.refused ? `${names[state.dead.id]}. ${rules.write(words, state.dead.says)}`
    : out.says.map((each) => rules.write(words, each)).join(" ");
  return { state, says: out.says, acts: out.acts, refused: out.refused, hint: [hint.says, hint.at],
           words: [told, rules.write(words, hint.says)] };
};
const replay = (words, [seed, moves]) => {
  let session = { state: rules.start(seed), past: [] };
  return moves.map((move) => {
    const before = JSON.stringify(session), out = rules.advance(session, move);
    if (JSON.stringify(session) !== before) throw new Error("a state was changed in place");
    session = out.session;
    return seen(words, session, out);
  });
};
"""
FROM_STDIN = """
import { readFileSync } from "node:fs";
const [words, games] = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(games.map((game) => replay(words, game))));
"""
TWIN = (STATIC / "kernel.js").read_text("utf-8")
NODE = shutil.which("node")


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    """What the twin makes of some games, each a seed and moves: under Node, or where there is none in Chromium."""
    names, folder = f"const names = {json.dumps(DISASTERS)};", tmp_path_factory.mktemp("twin")
    with contextlib.ExitStack() as stack:
        if NODE:
            script = folder / "twin.mjs"

            def run(games, source=TWIN):
                script.write_text(source + names + DRIVER + FROM_STDIN, "utf-8")
                done = subprocess.run(
                    [NODE, script], input=json.dumps([WORDS, games]), capture_output=True, text=True, timeout=300
                )
                assert done.returncode == 0, done.stderr
                return json.loads(done.stdout)

        else:
            pytest.importorskip("playwright", reason="neither Node nor playwright is installed")
            from tools.jupyterlab import CHROMIUM, chromium

            if not CHROMIUM:
                pytest.skip("neither Node nor Chromium is here, so there is nothing that runs JavaScript")
            browser = stack.enter_context(chromium())

            def run(games, source=TWIN):
                page = browser.new_page()
                page.add_script_tag(content=f"{source}{names}{DRIVER}window.replay = replay;", type="module")
                page.wait_for_function("() => window.replay")
                told_of = page.evaluate("([words, games]) => games.map((game) => replay(words, game))", [WORDS, games])
                page.close()
                return told_of

        yield run


def same(twin, games):
    """The twin saw what the engine saw, move by move; returns how many moves that were.

    Of a game that began as another did, only the last moves are told: the other had the first.
    """
    compared = 0
    for (seed, moves, mine), theirs in zip(games, twin([game[:2] for game in games]), strict=True):
        known = len(theirs) - len(mine)
        for n, (one, other) in enumerate(zip(plain(mine), theirs[known:], strict=True)):
            assert one == other, (seed, moves[: known + n + 1])
            compared += 1
    return compared


MISTAKES = {
    "a flush forgets nothing": ("tlb.lines.fill(null)", "tlb.lines.fill"),
    "a full TLB throws out its first line each time": ("tlb.next = (tlb.next + 1) % WAYS", "tlb.next = 0"),
    "a line of 2 MiB is only page 0": ("line.page === null ? page :", "line.page === null ? page || null :"),
    "CPU 0 meets a freed frame before CPU 1": ("for (const cpu of [1, 0])", "for (const cpu of [0, 1])"),
    "the driver strikes after frees alone": ('["flush", "free"].includes(move.do)', '["free"].includes(move.do)'),
    "5.18 believes fake heads": ('state.kernel === "5.14" && showing(state, 0)', "showing(state, 0)"),
    "the table costs no frame": ("(state.split ? 1 : 0)", "0"),
    "an undo forgets what was found": ('KEPT = ["found", ', "KEPT = ["),
    "early is on time": ("!used && state.unflushed.includes(one)", "false"),
    "the other order of the CPUs": ("1013904223", "1013904225"),
    "a word is spelt otherwise": ('"are" : "is"', '"is" : "are"'),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_the_twin_is_found(twin, name):
    """The comparison can fail: some games, and a twin that is wrong in one place."""
    was, becomes = MISTAKES[name]
    assert TWIN.count(was) == 1
    games = _mistaken()
    told_of = twin([game[:2] for game in games], TWIN.replace(was, becomes))
    assert any(plain(mine) != theirs for (_, _, mine), theirs in zip(games, told_of, strict=True))


@functools.cache
def _mistaken():
    return [history(n, 20) for n in range(60)]


def family(seed, count):
    """Games at random, no two alike; most begin as another of them did and then go on in their own way."""
    rng, games, sessions, names = random.Random(seed), [], [], set()
    while len(games) < count:
        parent = rng.randrange(len(games)) if games and rng.random() < 0.9 else None
        if parent is None or len(games[parent][1]) >= 14:
            session, moves = Session(rng.randrange(1 << 16)), []
        else:
            session, moves = copy.deepcopy(sessions[parent]), list(games[parent][1])
        told_of = []
        for _ in range(rng.randrange(1, 4)):
            moves.append(drawn(rng, session))
            told_of.append(seen(session, session.play(moves[-1])))
        name = json.dumps([session.kernel.seed, moves])
        if name not in names:
            names.add(name)
            games.append((session.kernel.seed, moves, told_of))
            sessions.append(session)
    return games


HISTORIES, PARTS = 10_000, 10


@pytest.mark.slow
@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, PARTS))])
def test_the_twin_plays_games_at_random_as_the_engine_does(twin, part):
    games = family(part, HISTORIES // PARTS)
    assert sum(len(moves) for _, moves, _ in games) > 6 * len(games)
    assert same(twin, games) > 1.8 * len(games)
    found = Counter(name for _, _, told_of in games for name in told_of[-1]["state"]["found"])
    assert set(found) >= set(LISTED), "each disaster is met at random, too"


def test_the_twin_plays_the_ways_and_the_goals_as_the_engine_does(twin):
    games = []
    for moves in [LEGAL, *(way for _, way, _ in WAYS.values()), *([each] for each in REFUSED)]:
        for more in ([], [UNDO], [RESET, SPLIT], [UNDO, UNDO, LEARN]):
            session = Session()
            games.append((SEED, [*moves, *more], [seen(session, session.play(each)) for each in [*moves, *more]]))
    assert same(twin, games) > 300


SHORT = [
    remap(2, 1),
    remap(3, 1),
    remap(1, 0),
    remap(0, 1),
    protect(2),
    protect(0),
    protect(2, True),
    LIKEWISE,
    FLUSH,
    FREE,
    free(2),
    free(8),
]
"""The moves of the short game, after the split: each kind, on pages that stand for the others."""
DEPTH = 5


@pytest.mark.slow
def test_the_twin_knows_every_state_of_the_short_game(twin):
    """Every state that `SHORT` reaches in up to `DEPTH` moves after the split, and every move there, refused or not."""
    split, first = go([SPLIT])
    states, games, frontier = {json.dumps(first["state"])}, [], [([SPLIT], split)]
    for _ in range(DEPTH):
        beyond = []
        for path, before in frontier:
            for each in (*SHORT, LEARN):
                session = copy.deepcopy(before)
                found = seen(session, session.play(each))
                games.append((SEED, [*path, each], [found]))
                name = json.dumps(found["state"])
                if name not in states:
                    states.add(name)
                    beyond.append(([*path, each], session))
        frontier = beyond
    print(f"short game: {len(states):,} states, {len(games):,} moves")
    assert len(states) > 1400
    assert same(twin, games) == len(games)
