// The rules of "You are the kernel" without Python: a twin of hvlib.teaching.kernel_rules, which plays on the engine.
// tests/test_kernel_game.py compares the two. Pure: a state is plain data, never changed in place; no clock, no chance
// but the seed, and no drawing. What is said is a key and values; `write` makes the sentence, from words made in Python.

const PAGES = 8, TABLE = 8, PER_PAGE = 64, SLOT = 44, WAYS = 4;
const ALL = [0, 1, 2, 3, 4, 5, 6, 7], TAILS = ALL.slice(1), BUSY = [[0, 2, 4, 6], [1, 3, 5, 7]];
const KEPT = ["found", "won", "stars", "blots", "gambles"];

function start(seed = 6) {
  const state = {
    seed, turn: 0, kernel: "5.14", split: false, flushes: 0, gambles: 0, blots: 0, caught: false,
    entries: ALL.map((frame) => ({ frame, writable: true })), free: [...ALL, TABLE].map((frame) => frame === TABLE),
    unflushed: [], marks: [], dead: null, broken: [], found: [], goals: [], won: [], stars: [false, false, false],
    tlb: [0, 1].map(() => ({ lines: Array(WAYS).fill(null), next: 0 })),
  };
  BUSY.forEach((pages, cpu) => touch(state, cpu, pages[0], false));
  return state;
}

// --- what can be asked of a state

const showing = (state, frame) => state.entries.flatMap((entry, page) => (entry.frame === frame ? [page] : []));
const writers = (state, frame) => showing(state, frame).filter((page) => state.entries[page].writable);
const freed = (state) => state.free.slice(0, PAGES).filter(Boolean).length;
/** Free frames, counted from before the first move: the page table costs one. */
const net = (state) => freed(state) - (state.split ? 1 : 0);
const unused = (state) => ALL.filter((frame) => !state.free[frame] && !showing(state, frame).length);
/** Where a line of a TLB leads a page, or null if it says nothing of it. A 2 MiB line (page null) leads each to its own. */
const leads = (line, page) => (!line ? null : line.page === null ? page : line.page === page ? line.frame : null);
/** Pages for which a line says other than the page table. */
const outdated = (state, line) => ALL.filter((page) => {
  const frame = leads(line, page), entry = state.entries[page];
  return frame !== null && (frame !== entry.frame || (line.writable && !entry.writable));
});
const anyOutdated = (state) => state.tlb.flatMap(({ lines }) => lines.flatMap((line) => outdated(state, line)));

/** If two entries or more were led to one frame, read-only: the frame, and the pages left to do likewise. */
function rest(state) {
  if (state.dead || !state.split) return null;
  for (const frame of ALL) {
    const done = showing(state, frame).filter((page) => page !== frame && !state.entries[page].writable);
    const pages = TAILS.filter((page) => page !== frame && !done.includes(page) && state.entries[page].frame !== 0);
    if (done.length >= 2 && pages.length) return { frame, pages };
  }
  return null;
}

/** The next step of the kernel's own order: what to say, and what in the picture it is about. */
function hint(state) {
  const is = (key, at, values = {}) => ({ says: [key, values], at });
  if (state.dead) return state.dead.id === "fake" ? is("hint learn", ["button", "offer"]) : is("hint undo", ["button", "undo"]);
  if (!state.split) return is("hint split", ["button", "split"]);
  const seventh = state.kernel === "5.18";
  if (!seventh && state.goals.includes("six")) return is("hint seventh", ["entry", 1]);
  const best = TAILS.filter((frame) => !state.free[frame])
    .reduce((a, b) => (a !== null && showing(state, a).length >= showing(state, b).length ? a : b), null) ?? 0;
  const target = seventh ? 0 : best;
  const todo = TAILS.filter((page) => page !== target && (state.entries[page].frame !== target || state.entries[page].writable));
  if (todo.length === (seventh ? 7 : 6) && !state.flushes && todo.every((page) => state.entries[page].frame !== target)) return is("hint flush early", ["button", "flush"]);
  if (todo.length) {
    const [page] = todo;
    return is(state.entries[page].frame === target ? "hint close" : "hint lead", ["entry", page], { page, frame: target });
  }
  if (state.unflushed.length) return is("hint flush", ["button", "flush"]);
  if (unused(state).length) return is("hint free", ["button", "free"]);
  return is("hint break", null);
}

// --- moves

/** A move is { do: a name below, and page, frame, writable where they are asked for }. */
function play(before, move) {
  const state = structuredClone(before), out = { state, says: [], acts: [], refused: false };
  const say = (key, values = {}) => out.says.push([key, values]);
  const refuse = (key, values = {}) => ({ state: before, says: [[key, values]], acts: [], refused: true });
  if (state.dead && !(move.do === "learn" && state.dead.id === "fake")) return refuse("crashed");
  const refusal = MOVES[move.do](state, move, say, out);
  if (refusal) return refuse(...refusal);
  state.turn += 1;
  if (move.do !== "likewise") {
    judge(state, move);
    if (!state.dead && (["flush", "free"].includes(move.do) || move.writable)) driver(state, say, out, move.do === "flush");
    if (!state.dead) tick(state, say, out);
  }
  if (!state.dead) score(state, say);
  return out;
}

/** A game with its past, { state, past }; takes "undo" and "reset" as well. What was found stays found. */
function advance({ state, past }, move) {
  const keep = (then, names) => ({ ...then, ...Object.fromEntries(names.map((name) => [name, state[name]])) });
  const said = (key, session, refused = false) => ({ session, says: [[key, {}]], acts: [], refused });
  if (move.do === "reset") return said("reset", { state: keep(start(state.seed), ["found", "won", "stars"]), past: [] });
  if (move.do === "undo") {
    if (!past.length) return said("nothing to undo", { state, past }, true);
    return said(state.dead ? "undone disaster" : "undone", { state: keep(past.at(-1), KEPT), past: past.slice(0, -1) });
  }
  const out = play(state, move);
  return { session: out.refused ? { state, past } : { state: out.state, past: [...past, state] }, says: out.says, acts: out.acts, refused: out.refused };
}

const MOVES = {
  split(state, _, say) {
    if (state.split) return ["split already"];
    state.split = true;
    state.free[TABLE] = false;
    say("split");
  },

  remap(state, { page, frame }, say) {
    const entry = state.entries[page];
    if (!state.split) return ["no entry", { page }];
    if (frame === TABLE) return ["holds table"];
    if (entry.frame === frame) return ["shows already", { page, frame }];
    const left = entry.frame, others = showing(state, frame);
    entry.frame = frame;
    if (!showing(state, left).length) state.unflushed = [...new Set([...state.unflushed, left])].sort();
    if (page === 0 || state.free[frame] || (frame === 0 && state.kernel === "5.14")) return;
    if (frame === 0) say("fake known", { page });
    else if (frame === page) say("own", { page });
    else if (others.length) say("like", { page, frame, pages: others });
    else say("alone", { page, frame });
    if (entry.writable && others.some((other) => state.entries[other].writable)) say("still writable");
    else if (!showing(state, left).length) say("left", { frame: left });
  },

  protect(state, { page, writable }, say) {
    const entry = state.entries[page], { frame } = entry;
    if (!state.split) return ["no entry to close"];
    if (entry.writable === writable) return [writable ? "open already" : "closed already", { page }];
    entry.writable = writable;
    if (writable) say("open", { page });
    else if (page === 0) say("head closed");
    else if (showing(state, frame).length > 1) say(anyOutdated(state).includes(page) ? "closed late" : "closed", { page });
    else say("closed alone", { page, frame });
  },

  flush(state, _, say) {
    const remembered = anyOutdated(state).length || state.unflushed.length, idle = unused(state);
    state.tlb.forEach((tlb) => { tlb.lines.fill(null); tlb.next = 0; });
    state.unflushed = [];
    state.flushes += 1;
    if (remembered && idle.length) say("unreachable", { frames: idle });
    else say("forgotten");
  },

  free(state, { frame }, say, out) {
    const which = frame === undefined ? unused(state) : [frame];
    if (frame !== undefined && state.free[frame]) return frame === TABLE ? ["for table"] : ["free already", { frame }];
    if (!which.length) return [state.split ? "none unused" : "none unused yet"];
    let lucky = false;
    for (const one of which) {
      const used = one === TABLE || showing(state, one).length > 0, early = !used && state.unflushed.includes(one);
      state.free[one] = true;
      if (used) return;
      met(state, one, out);
      if (state.dead) return;
      state.gambles += early ? 1 : 0;
      lucky ||= early;
    }
    const n = net(state);
    say(n > 0 ? "freed" : n < 0 ? "freed debt" : "freed table", { frames: which, ...(n > 0 ? { net: n } : {}) });
    if (lucky) say("lucky");
  },

  likewise(state, _, say, out) {
    const todo = rest(state);
    if (!todo) return ["nothing likewise"];
    let now = state;
    for (const page of todo.pages)
      for (const move of [{ do: "remap", page, frame: todo.frame }, { do: "protect", page, writable: false }]) {
        const next = play(now, move);
        now = next.state;
        out.acts.push(...next.acts);
        if (now.dead) { Object.assign(state, now); return; }
      }
    Object.assign(state, now);
    say("likewise", { pages: todo.pages, frame: todo.frame });
    if (unused(state).length) say("likewise left", { frames: unused(state) });
  },

  learn(state, _, say) {
    if (state.kernel === "5.18") return ["learned already"];
    state.kernel = "5.18";
    state.dead = null;
    say("learned");
  },
};

// --- what breaks

/** The truths that do not hold, by the names of the engine's invariants and in their order. */
function broken(state) {
  const used = (frame) => frame === TABLE ? state.split : showing(state, frame).length > 0;
  const both = [...ALL, TABLE].some((frame) => state.free[frame] && used(frame));
  return Object.entries({
    tails_find_their_head: state.kernel === "5.14" && showing(state, 0).some((page) => page > 0),
    the_head_says_pg_head: state.entries[0].frame !== 0,
    the_head_can_be_written: !state.entries[0].writable,
    no_frame_free_and_used: both,
    free_only_after_flush: state.unflushed.some((frame) => state.free[frame]),
    one_writable_entry_per_frame: ALL.some((frame) => writers(state, frame).length > 1),
    frames_conserved: both,
  }).flatMap(([name, is]) => (is ? [name] : []));
}

function judge(state, move) {
  state.broken = broken(state);
  if (state.dead) return;
  const is = (name) => state.broken.includes(name), head = state.entries[0].frame;
  if (is("the_head_says_pg_head")) disaster(state, "headless", ["head led away", {}], { page: 0, frame: head });
  else if (is("no_frame_free_and_used")) {
    const frame = [...ALL, TABLE].find((one) => state.free[one] && (one === TABLE || showing(state, one).length)), pages = showing(state, frame);
    if (frame === TABLE) disaster(state, "table", ["table freed", {}], { frame });
    else if (frame === head) disaster(state, "headless", ["head freed", {}], { page: 0, frame });
    else if (move.do === "remap") disaster(state, "shown", ["led to a free frame", { page: move.page, frame }], { page: move.page, frame });
    else disaster(state, "shown", ["freed while shown", { pages, frame, structs: pages.length * PER_PAGE }], { page: pages.at(-1), frame });
  } else if (is("tails_find_their_head")) {
    const page = showing(state, 0).find((one) => one > 0);
    disaster(state, "fake", ["fake head", { page }], { page, frame: 0 });
  }
}

function disaster(state, id, says, where) {
  state.dead = { id, says, ...where };
  state.blots += 1;
  if (!state.found.includes(id)) state.found.push(id);
}

/** A CPU that remembers a frame that was just freed meets it, CPU 1 with a write if its line allows it. */
function met(state, frame, out) {
  for (const cpu of [1, 0])
    for (const page of TAILS) {
      const { lines } = state.tlb[cpu], slot = lines.findIndex((line) => leads(line, page) !== null);
      if (slot < 0 || leads(lines[slot], page) !== frame) continue;
      const act = touch(state, cpu, page, cpu === 1 && lines[slot].writable);
      if (act.write) mark(state, act.frame);
      out.acts.push(act);
      const says = [act.write ? "wrote by a stale line" : "read by a stale line", { cpu, page, frame }];
      disaster(state, "stale", says, { cpu, page, frame, slot: act.slot });
      return;
    }
}

function mark(state, frame) { state.marks = [...new Set([...state.marks, frame])].sort(); }

// --- the two CPUs

/** One access of one CPU: by its TLB, or else by the page table, which its TLB then remembers. */
function touch(state, cpu, page, write) {
  const tlb = state.tlb[cpu], entry = state.entries[page];
  const find = () => tlb.lines.findIndex((line) => leads(line, page) !== null);
  let slot = find(), hit = slot >= 0;
  if (hit && write && !tlb.lines[slot].writable && entry.writable) { tlb.lines[slot] = null; slot = find(); hit = slot >= 0; }
  if (!hit) {
    slot = tlb.lines.indexOf(null);
    if (slot < 0) { slot = tlb.next; tlb.next = (tlb.next + 1) % WAYS; }
    tlb.lines[slot] = state.split ? { page, ...entry } : { page: null, frame: 0, writable: true };
  }
  const line = tlb.lines[slot];
  return { cpu, page, frame: leads(line, page), slot, write, hit, fault: write && !line.writable };
}

/** Between two moves each CPU does one thing: reads a struct page, or counts in the head (CPU 0, in turns). */
function tick(state, say, out) {
  for (const cpu of [0, 1]) {
    const count = cpu === 0 && (state.turn % 3 === 0 || !state.entries[0].writable);
    const act = touch(state, cpu, count ? 0 : picked(state, cpu), count);
    out.acts.push(act);
    if (act.fault) disaster(state, "frozen", ["frozen", {}], { cpu, page: 0, frame: act.frame });
    else if (count && !state.entries[0].writable) say("still writes");
  }
}

/** A driver on CPU 1 with a bug writes to a tail, after a flush or a free, where it hurts if it can. */
function driver(state, say, out, flushed) {
  const believes = (page) => leads(state.tlb[1].lines.find((line) => leads(line, page) !== null) ?? null, page);
  for (const frame of ALL) {
    const can = writers(state, frame);
    // a line that is out of date would lead the write elsewhere, where it is lost
    const page = can.length < 2 ? undefined : can.findLast((one) => [null, frame].includes(believes(one)));
    if (page === undefined) continue;
    out.acts.push(touch(state, 1, page, true));
    mark(state, frame);
    disaster(state, "echo", ["echo", { page, frame, many: showing(state, frame).length, entries: can.length }], { page, frame });
    return;
  }
  const page = TAILS.findLast((one) => !state.entries[one].writable && showing(state, state.entries[one].frame).length > 1);
  if (page === undefined || state.caught || !flushed) return;
  const act = touch(state, 1, page, true);
  if (!act.fault) mark(state, act.frame);
  out.acts.push(act);
  if (!act.fault) return;
  state.caught = true;
  say("caught", { page });
}

/** Each CPU goes through its pages in an order that changes every round. */
function picked(state, cpu) {
  const pages = [...BUSY[cpu]];
  let x = (state.seed * 7919 + Math.floor(state.turn / pages.length) * 104729 + cpu * 1299709) >>> 0;
  for (let i = pages.length - 1; i > 0; i--) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    const j = (x >>> 16) % (i + 1);
    [pages[i], pages[j]] = [pages[j], pages[i]];
  }
  return pages[state.turn % pages.length];
}

function score(state, say) {
  const safe = !state.broken.length && !state.unflushed.length && !anyOutdated(state).length;
  if (safe && freed(state) >= 6 && !state.goals.includes("six")) {
    state.goals.push("six");
    const now = [true, !state.blots && !state.gambles, state.flushes <= 2];
    state.stars = state.stars.map((had, i) => had || now[i]);
    say(state.flushes === 1 ? "six, one flush" : "six");
  }
  if (safe && freed(state) >= 7 && !state.goals.includes("seven")) {
    state.goals.push("seven");
    say("seven");
  }
  state.won = [...state.won, ...state.goals.filter((goal) => !state.won.includes(goal))];
}

// --- words

const NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight"];
/** Numbers as people list them: "3", "3 and 5", "2 to 7". */
function list(some) {
  if (some.length > 2 && some.at(-1) - some[0] === some.length - 1) return `${some[0]} to ${some.at(-1)}`;
  return some.length > 1 ? `${some.slice(0, -1).join(", ")} and ${some.at(-1)}` : String(some[0]);
}
const noun = (word) => (some) => `${word}${some.length > 1 ? "s" : ""} ${list(some)}`;
const FORMS = {
  "": String, word: (n) => NUMBERS[n], struct: (page) => String(page * PER_PAGE), next: (page) => String(page * PER_PAGE + 1),
  slot: (page) => String(page * PER_PAGE + SLOT), span: (page) => `${page * PER_PAGE} to ${page * PER_PAGE + PER_PAGE - 1}`,
  pages: noun("page"), Pages: noun("Page"), frames: noun("frame"), Frames: noun("Frame"),
  is: (some) => (some.length > 1 ? "are" : "is"), show: (some) => (some.length > 1 ? "show" : "shows"),
};

/** A sentence, from its key and its values. */
function write(words, [key, values]) {
  const text = words[key].replace(/\{(\w+):?(\w*)\}/g, (_, name, form) => FORMS[form](values[name]));
  return text[0].toUpperCase() + text.slice(1);
}

export const rules = { PAGES, TABLE, PER_PAGE, SLOT, WAYS, start, play, advance, hint, rest, showing, unused, net, leads, outdated, list, write };
