// "You are the kernel": draws a state of kernel.js and turns fingers and keys into moves. Knows no rule and no words.
import { rules } from "./kernel.js";

const SVG = "http://www.w3.org/2000/svg";
const { PAGES, TABLE, WAYS, PER_PAGE } = rules;
const REST = 500, NARROW = 700;
const each = (n, f) => Array.from({ length: n }, (_, i) => f(i));

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
/** Writes what differs, and nothing else: what is written is laid out and painted again, even if it is the same. */
function set(element, attributes) {
  for (const name in attributes) {
    const value = String(attributes[name]);
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
}
function spell(element, words) { if (element.textContent !== String(words)) element.textContent = words; }
function flag(element, names) { for (const [name, on] of Object.entries(names)) element.classList.toggle(name, Boolean(on)); }
function draw(parent, tag, attributes = {}, text) {
  const element = document.createElementNS(SVG, tag);
  set(element, attributes);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/** Where everything stands, in CSS pixels: text keeps its size at every width. */
function layout(width) {
  const compact = width < NARROW, [page, entry, frame, cpu, gap] = compact ? [46, 50, 62, 56, 8] : [146, 106, 132, 168, 24];
  const left = width - page - entry - frame - cpu - gap, wires = Math.round(left * 0.56), row = 46, box = 34, top = 34;
  const entries = page + gap, frames = entries + entry + wires, cpus = width - cpu, y = (i) => top + i * row;
  return {
    compact, width, page, entry, frame, cpu, entries, frames, cpus, row, box, y, mid: (i) => y(i) + box / 2,
    table: y(PAGES) + 8, meter: y(PAGES) + 8 + (compact ? box + 46 : 17), height: y(PAGES) + 8 + box + (compact ? 74 : 8),
    slot: (c, i) => y(4 * c) + 24 + i * 37, slotHeight: 30,
  };
}

/**
 * Puts a game into `el`. `data` has its words, made in Python; `link` is how it talks to the rest: seed, moves() so far,
 * send(moves), listen(f) for moves made elsewhere, judge(f) for what Python made of them. Returns what takes it down.
 */
export function mount({ el, data, link }) {
  const id = `hv-kernel${(globalThis.hvMounted = (globalThis.hvMounted ?? 0) + 1)}`, calm = matchMedia("(prefers-reduced-motion: reduce)"), own = { "data-lm-suppress-shortcuts": "true" };
  const write = (said) => rules.write(data.words, said), fresh = () => ({ state: rules.start(link.seed), past: [] });
  let session = fresh(), moves = [], place = layout(0), lit = null, pending = null, held = null, hinted = null, resting = 0, active = { entry: 2, frame: 1 };
  const state = () => session.state, tips = each(PAGES, () => null);

  // --- the page
  const button = (name, words, extra = {}) => make("button", { type: "button", "data-do": name, ...own, ...extra }, words);
  const svg = document.createElementNS(SVG, "svg");
  set(svg, { role: "group", "aria-label": data.about });
  const says = make("p", { class: "hv-says" }), spoken = make("div", { class: "hv-spoken", role: "status" });
  const buttons = Object.fromEntries(["split", "flush", "free", "undo", "hint", "reset"].map((name) => [name, button(name, data.buttons[name])]));
  const offer = button("", "", { class: "hv-offer", hidden: "" });
  const item = (words) => make("li", {}, words), heading = (words) => make("p", { class: "hv-heading" }, words);
  const truths = Object.entries(data.truths).map(([name, words]) => [name, item(words)]), stars = data.stars.map(item), seven = item(data.seven);
  const found = Object.entries(data.disasters).map(([name, words]) => [name, item(words)]), count = heading("");
  el.classList.add("hv-kernel");
  set(el, { role: "group", "aria-label": data.title });
  el.replaceChildren(
    svg, says, make("div", { class: "hv-buttons" }, ...Object.values(buttons), offer),
    make("p", { class: "hv-help" }, data.help, " ", make("span", { id: `${id}-keys` }, data.keys)), make("div", { class: "hv-lists" },
      make("div", {}, heading(data.headings.truths), make("ul", { class: "hv-truths" }, ...truths.map(([, one]) => one))),
      make("div", {}, heading(data.headings.six), make("ul", { class: "hv-stars" }, ...stars), heading(data.headings.seven), make("ul", {}, seven)),
      make("div", {}, count, make("ul", {}, ...found.map(([, one]) => one)))),
    spoken,
  );

  // --- the picture, made once
  const defs = draw(svg, "defs"), hatch = draw(defs, "pattern", { id: `${id}-hatch`, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  draw(hatch, "line", { x1: 0, y1: 0, x2: 0, y2: 7, class: "hatching" });
  const ghostTip = draw(defs, "marker", { id: `${id}-tip`, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" });
  draw(ghostTip, "path", { d: "M0 0L8 4L0 8Z", class: "ghost-tip" });
  const layer = (extra) => draw(svg, "g", extra), hidden = { "aria-hidden": "true" };
  const text = (parent, name, words) => draw(parent, "text", { class: name }, words);
  const rect = (parent, name, extra = {}) => draw(parent, "rect", { class: name, ...extra });
  const titles = layer(hidden), ground = layer(hidden), knowing = layer(hidden), still = layer(hidden), body = layer(), arrows = layer(hidden), busy = layer(hidden);
  const slots = text(titles, "quiet small end"), heads = each(4, () => draw(titles, "text", { class: "quiet small", y: 16 }));
  slots.setAttribute("y", 16);
  const cell = (parent, name, extra = {}) => {
    const g = draw(parent, "g", { class: name, ...extra });
    return { g, hatch: rect(g, "hatch", { fill: `url(#${id}-hatch)` }), box: rect(g, "box", { rx: 3 }), slot: rect(g, "slot0"),
      inner: rect(g, "inner", { rx: 2 }), stain: rect(g, "stain"), name: text(g, "on"), note: text(g, "on small end"), ring: rect(g, "ring", { rx: 6 }) };
  };
  const outline = rect(ground, "outline", { rx: 6 }), tie = draw(ground, "path", { class: "tie" });
  const pages = each(PAGES, () => cell(still, "page")), leaf = cell(still, "leaf"), leafText = each(4, () => text(leaf.g, "on mid"));
  const entries = each(PAGES, (page) => cell(body, "entry", { role: "slider", "data-entry": page, "aria-orientation": "vertical",
    "aria-valuemin": 0, "aria-valuemax": PAGES - 1, "aria-describedby": `${id}-keys`, ...own }));
  const frames = each(PAGES + 1, (frame) => cell(body, "frame", { role: "button", "data-frame": frame, ...own }));
  const cpus = each(2, () => {
    const g = draw(still, "g");
    return { card: rect(g, "card", { rx: 8 }), name: text(g, "strong"), note: text(g, "quiet small end"), lines: each(WAYS, () => cell(g, "line")) };
  });
  const wires = each(2, () => each(WAYS, () => each(PAGES, () => draw(knowing, "path", { class: "knows" }))));
  const arrow = each(PAGES, (page) => {
    const g = draw(arrows, "g", { class: "arrow", "data-arrow": page });
    return { g, reach: draw(g, "path", { class: "reach" }), wire: draw(g, "path", { class: "wire" }), halo: draw(g, "circle", { class: "halo", r: 12 }),
      tip: draw(g, "path", { class: "tip", d: "M0 0L-10 -5.5L-10 5.5Z" }), grip: draw(g, "circle", { class: "grip", r: 15 }) };
  });
  const meter = draw(ground, "g");
  const axis = { name: text(meter, "small quiet", data.meter), bar: draw(meter, "rect", { height: 6, rx: 3 }), line: draw(meter, "line", { class: "axis" }),
    ticks: each(9, (i) => ({ mark: draw(meter, "line", { class: "axis" }), text: text(meter, "small mid quiet", i < 1 ? "−1" : i > 1 ? `+${i - 1}` : "0") })),
    flags: [5, 6].map(() => draw(meter, "circle", { class: "flag", r: 6 })), knob: draw(meter, "circle", { class: "knob", r: 5 }), spot: null };

  function arrange() {
    const p = place, small = p.compact;
    el.classList.toggle("hv-compact", small);
    set(svg, { viewBox: `0 0 ${p.width} ${p.height}`, height: p.height });
    const heading = small ? ["pages", "table", "frames", "TLBs"] : ["vmemmap", "page table", "page frames", "what the CPUs remember: TLBs"];
    [0, p.entries, p.frames, p.cpus].forEach((x, i) => {
      heads[i].textContent = heading[i];
      set(heads[i], i === 3 && !small ? { x: p.width, class: "quiet small end" } : { x, class: "quiet small" });
    });
    slots.textContent = small ? "" : "struct pages";
    slots.setAttribute("x", p.page);
    const put = (c, x, y, w, h = p.box) => {
      for (const r of [c.hatch, c.box]) set(r, { x, y, width: w, height: h });
      set(c.slot, { x: x + .5, y: y + .5, width: small ? 6 : 9, height: h - 1 });
      set(c.inner, { x: x + 2.5, y: y + 2.5, width: w - 5, height: h - 5 });
      set(c.ring, { x: x - 4, y: y - 4, width: w + 8, height: h + 8 });
      set(c.stain, { x: x + w * rules.SLOT / PER_PAGE, y: y + h - 8, width: 6, height: 7.5 });
      set(c.name, { x: x + (small ? 10 : 16), y: y + h / 2 + 4.5 });
      set(c.note, { x: x + w - (small ? 5 : 9), y: y + h / 2 + 4.5 });
    };
    pages.forEach((c, i) => {
      put(c, 0, p.y(i), p.page);
      c.name.textContent = small ? i : `page ${i}`;
      c.note.textContent = small ? "" : `${i * PER_PAGE} … ${i * PER_PAGE + PER_PAGE - 1}`;
    });
    entries.forEach((c, i) => { put(c, p.entries, p.y(i), p.entry); set(c.name, { x: p.entries + p.entry / 2, class: "on mid" }); });
    frames.forEach((c, i) => put(c, p.frames, i === TABLE ? p.table : p.y(i), p.frame));
    put(leaf, p.entries, p.y(0), p.entry, p.y(7) + p.box - p.y(0));
    (small ? ["PMD", "leaf", "", "2 MiB"] : ["one PMD entry", "maps these 8", "and 504 others", ""]).forEach((words, i) => {
      leafText[i].textContent = words;
      set(leafText[i], { x: p.entries + p.entry / 2, y: p.y(3) + 24 + i * 19 });
    });
    const pad = 5, middle = p.entries + p.entry / 2, low = p.y(7) + p.box + pad, t = p.table + p.box / 2;
    set(outline, { x: p.entries - pad, y: p.y(0) - pad, width: p.entry + 2 * pad, height: p.y(7) + p.box - p.y(0) + 2 * pad });
    set(tie, { d: `M${middle} ${low}V${t - 12}Q${middle} ${t} ${middle + 12} ${t}H${p.frames - 3}` });
    cpus.forEach((c, i) => {
      const y = p.y(4 * i) - 4;
      set(c.card, { x: p.cpus - 5, y, width: p.cpu + 5, height: p.slot(i, 3) + p.slotHeight - y + 7 });
      set(c.name, { x: p.cpus + 2, y: y + 19 });
      set(c.note, { x: p.width - 6, y: y + 19 });
      c.name.textContent = `CPU ${i}`;
      c.lines.forEach((l, k) => { put(l, p.cpus, p.slot(i, k), p.cpu - 5, p.slotHeight); set(l.name, { x: p.cpus + (small ? 5 : 9) }); });
    });
    const from = small ? 12 : p.frames + p.frame + 40, to = p.width - 14, unit = (to - from) / 8, at = (n) => from + (n + 1) * unit;
    axis.at = at;
    set(axis.line, { x1: at(-1), x2: at(7), y1: p.meter, y2: p.meter });
    set(axis.name, { x: small ? 0 : at(-1) - 12, y: p.meter - 15 });
    axis.ticks.forEach(({ mark, text: words }, i) => { set(mark, { x1: at(i - 1), x2: at(i - 1), y1: p.meter - 4, y2: p.meter + 4 }); set(words, { x: at(i - 1), y: p.meter + 22 }); });
    axis.flags.forEach((f, i) => set(f, { cx: at(5 + i), cy: p.meter }));
    set(axis.bar, { y: p.meter - 3 });
    tips.fill(null);
    axis.spot = null;
  }

  /** Where the tip of a page's arrow comes to rest: tips that share a frame fan out on its edge. */
  function rest(page) {
    const shown = (one) => (pending?.page === one ? pending.frame : state().entries[one].frame), frame = shown(page);
    const all = each(PAGES, (i) => i).filter((i) => shown(i) === frame);
    return { x: place.frames - 2, y: place.mid(frame) + (all.indexOf(page) - (all.length - 1) / 2) * Math.min(8, 27 / all.length) };
  }
  function bend(x1, y1, x2, y2) { const d = (x2 - x1) * 0.48; return `M${x1} ${y1}C${x1 + d} ${y1} ${x2 - d} ${y2} ${x2} ${y2}`; }

  // --- arrows glide
  let running = 0, last = 0;
  function glide() {
    last = performance.now();
    if (calm.matches) step(last);
    else running ||= requestAnimationFrame(step);
  }
  function step(now) {
    const k = calm.matches ? 1 : 1 - Math.exp(-Math.max(0, Math.min(now - last, 64)) / 75);
    let moving = false;
    last = now;
    const near = (from, to) => { if (Math.abs(to - from) < 0.3 || k === 1) return to; moving = true; return from + (to - from) * k; };
    arrow.forEach((a, page) => {
      const goal = held?.page === page && held.moved ? { x: held.x, y: held.y } : rest(page), at = tips[page] ?? goal;
      tips[page] = { x: near(at.x, goal.x), y: near(at.y, goal.y) };
      const { x, y } = tips[page], d = bend(place.entries + place.entry, place.mid(page), x - 8, y);
      set(a.wire, { d }); set(a.reach, { d }); set(a.halo, { cx: x - 4, cy: y }); set(a.grip, { cx: x - 5, cy: y });
      set(a.tip, { transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})` });
    });
    const goal = rules.net(state());
    axis.spot = near(axis.spot ?? goal, goal);
    const [a, b] = [axis.at(0), axis.at(axis.spot)];
    set(axis.knob, { cx: b, cy: place.meter });
    set(axis.bar, { x: Math.min(a, b), width: Math.abs(b - a), class: b < a ? "debt" : "gain" });
    running = moving ? requestAnimationFrame(step) : 0;
  }

  /** A dot runs from the line that answered to the frame that it led to. */
  function pulses(acts) {
    busy.replaceChildren();
    for (const { note } of cpus) note.textContent = "";
    for (const { cpu, page, write: writes, fault } of acts) cpus[cpu].note.textContent = place.compact ? "" : `${fault ? "faults at" : writes ? "writes to" : "reads"} page ${page}`;
    if (calm.matches) return;
    acts.slice(-2).forEach((act, i) => {
      const path = wires[act.cpu][act.slot][act.page];
      if (!path.getAttribute("d")) return;
      const dot = draw(busy, "circle", { class: `pulse${act.write ? " write" : ""}${act.fault ? " fault" : ""}`, r: 5, cx: -99 });
      const later = 120 + i * 260, begin = performance.now() + later, end = act.fault ? 0.35 : 1;
      let length = 0;
      const run = (now) => {
        if (!dot.isConnected) return;
        length ||= path.getTotalLength(); // asked here, where all is laid out
        const t = Math.max(0, (now - begin) / 620), e = Math.min(1, t), at = path.getPointAtLength(length * end * e * (2 - e));
        set(dot, { cx: at.x, cy: at.y, opacity: t < 0.02 ? 0 : Math.max(0, Math.min(1, 4 - 2.4 * t)) });
        if (t < 1.7) requestAnimationFrame(run); else dot.remove();
      };
      setTimeout(() => requestAnimationFrame(run), later);
    });
  }

  // --- a state is shown
  function show() {
    const now = state(), p = place, { dead } = now, small = p.compact, aim = held?.over ?? pending?.frame;
    const sharing = each(PAGES, (frame) => rules.showing(now, frame)), hint = (kind, what) => hinted?.[0] === kind && hinted[1] === what;
    const stained = (frame) => now.marks.includes(frame);
    flag(svg, { dim: lit, split: now.split, astray: dead?.id === "table" });
    pages.forEach((c, page) => {
      const { frame } = now.entries[page], strange = now.free[frame];
      flag(c.g, { head: frame === 0, shared: sharing[frame].length > 1, free: strange, lost: strange || (dead?.page === page && dead.id !== "stale"), stained: !strange && stained(frame) });
    });
    for (const [part, gone] of [[leaf.g, now.split], [outline, !now.split], [tie, !now.split]]) flag(part, { gone });
    entries.forEach((c, page) => {
      const { frame, writable } = now.entries[page], access = writable ? "writable" : "read-only";
      flag(c.g, { gone: !now.split, readonly: !writable, hinted: hint("entry", page), lost: dead?.id === "frozen" && page === 0 });
      spell(c.name, small ? (writable ? "rw" : "ro") : access);
      const aimed = pending?.page === page ? pending.frame : null, shown = aimed === null ? `frame ${frame}, ${access}` : `frame ${aimed}? Enter leads it there`;
      set(c.g, { tabindex: now.split && active.entry === page ? 0 : -1, "aria-label": `Entry of page ${page}`, "aria-valuenow": aimed ?? frame, "aria-valuetext": shown, "aria-hidden": !now.split });
    });
    frames.forEach((c, frame) => {
      const free = now.free[frame], strange = dead && free && dead.frame === frame, table = frame === TABLE, idle = !table && !free && !sharing[frame].length;
      flag(c.g, { head: frame === 0, shared: !table && sharing[frame].length > 1, free, idle, lost: strange || (dead?.id === "echo" && dead.frame === frame), table, target: aim === frame, stained: stained(frame) });
      spell(c.name, !small ? `frame ${frame}` : table && !free ? "table" : frame);
      spell(c.note, strange ? "taken" : free ? "free" : table ? (small ? "" : "table") : idle ? (small ? "idle" : "unused") : "");
      set(c.g, { tabindex: active.frame === frame ? 0 : -1, "aria-label": `Free frame ${frame}: ${free ? "free already" : table ? "holds the page table" : idle ? "unused" : `shown by page ${sharing[frame].join(", ")}`}` });
    });
    arrow.forEach((a, page) => {
      const { frame, writable } = now.entries[page];
      flag(a.g, { many: sharing[frame].length > 2, other: frame !== page, ro: !writable, lit: lit?.includes(page) || pending?.page === page, held: held?.page === page && held.moved });
    });
    now.tlb.forEach((tlb, cpu) => tlb.lines.forEach((line, slot) => {
      const c = cpus[cpu].lines[slot], old = rules.outdated(now, line), x = p.cpus, y = p.slot(cpu, slot) + p.slotHeight / 2;
      flag(c.g, { none: !line, ro: line && !line.writable, huge: line?.page === null, stale: old.length });
      spell(c.name, !line ? "" : line.page === null ? (small ? "0–7" : "pages 0–7 → 0–7") : small ? `${line.page}→${line.frame}` : `page ${line.page} → ${line.frame}`);
      spell(c.note, !line || small ? "" : old.length ? "stale" : line.writable ? "w" : "ro");
      wires[cpu][slot].forEach((wire, page) => {
        const frame = rules.leads(line, page), ghost = frame !== null && old.includes(page) && frame !== now.entries[page].frame;
        flag(wire, { now: frame !== null && !ghost, ghost });
        wire.setAttribute("marker-end", ghost ? `url(#${id}-tip)` : "none");
        if (frame !== null) set(wire, { d: bend(x - 1, y, p.frames + p.frame + 1, p.mid(frame) + (slot - 1.5) * 2 + cpu) });
      });
    }));
    axis.flags.forEach((f, i) => flag(f, { won: now.won.includes(i ? "seven" : "six") }));
    const off = { split: now.split || dead, flush: dead, free: dead || !rules.unused(now).length, undo: !session.past.length };
    for (const [name, one] of Object.entries(buttons)) {
      set(one, { "aria-disabled": Boolean(off[name]) });
      flag(one, { "hv-off": off[name], "hv-wanted": dead && name === "undo", "hv-hinted": hint("button", name) });
    }
    const likewise = rules.rest(now), learn = now.kernel === "5.14" && (dead ? dead.id === "fake" : now.goals.includes("six") && now.found.includes("fake"));
    offer.hidden = !learn && !likewise;
    spell(offer, learn ? data.offers[dead ? "learn" : "go on"] : likewise ? `${data.offers.likewise} ${likewise.pages.length > 1 ? "pages" : "page"} ${rules.list(likewise.pages)}` : "");
    offer.dataset.do = learn ? "learn" : "likewise";
    flag(offer, { "hv-hinted": hint("button", "offer") });
    for (const [name, one] of truths) flag(one, { "hv-broken": now.broken.includes(name) });
    stars.forEach((star, i) => flag(star, { "hv-met": now.stars[i] }));
    flag(seven, { "hv-met": now.won.includes("seven") });
    for (const [name, one] of found) { flag(one, { "hv-met": now.found.includes(name) }); one.hidden = !data.listed.includes(name) && !now.found.includes(name); }
    const n = data.listed.filter((name) => now.found.includes(name)).length;
    spell(count, `${data.headings.found}${n ? `: ${n} found` : ""}`);
    el.dataset.moves = moves.length;
    glide();
  }

  function tell(words, kind = "", name = "") {
    says.className = `hv-says ${kind && `hv-${kind}`}`;
    says.replaceChildren(...(name ? [make("b", {}, `${name}. `)] : []), words);
    clearTimeout(resting);
    resting = setTimeout(() => { spoken.textContent = says.textContent; }, REST);
  }
  function report(out, won) {
    const { dead } = state(), said = out.says.map(write).join(" ");
    if (out.refused) tell(said, dead ? "dead" : "refused", dead ? data.disasters[dead.id] : "");
    else if (dead) tell(write(dead.says), "dead", data.disasters[dead.id]);
    else tell(said, won ? "won" : "", won ? data.done : "");
  }

  // --- moves
  /** Makes moves here; those of the reader's own go to Python as well, which confirms them. */
  function make_moves(wishes, mine) {
    let out = null, won = false;
    for (const wish of wishes) {
      const goals = state().goals.length;
      out = rules.advance(session, wish);
      session = out.session;
      won = !out.refused && state().goals.length > goals && !["undo", "reset"].includes(wish.do);
      moves = [...moves, wish];
    }
    pending = hinted = null;
    if (out) report(out, won);
    show();
    if (out && !out.refused) pulses(out.acts);
    if (mine) link.send(moves);
  }
  const move = (wish) => make_moves([wish], true);
  const toggle = (page) => move({ do: "protect", page, writable: !state().entries[page].writable });
  function clue() { const { says: said, at } = rules.hint(state()); hinted = at; tell(write(said)); show(); }
  for (const [name, one] of Object.entries(buttons)) one.addEventListener("click", name === "hint" ? clue : () => move({ do: name }));
  offer.addEventListener("click", () => { move({ do: offer.dataset.do }); if (offer.hidden) buttons.flush.focus({ preventScroll: true }); });

  /** Moves made elsewhere: the rest of a game that goes on, or another game. */
  function follow() {
    const all = link.moves(), known = JSON.stringify(all.slice(0, moves.length)) === JSON.stringify(moves);
    if (known && all.length === moves.length) return;
    if (!known) { session = fresh(); moves = []; }
    make_moves(all.slice(moves.length), false);
  }
  /** What Python made of the moves so far; where the twin differs, Python is right. */
  function confirm({ count: made, state: truth }) {
    if (made !== moves.length) return;
    el.dataset.judged = made;
    if (canonical(truth) === canonical(state())) return;
    el.dataset.differs = "true";
    session = { ...session, state: truth };
    show();
  }

  // --- fingers
  const point = (event) => { const box = svg.getBoundingClientRect(), scale = place.width / box.width; return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale }; };
  const under = ({ x, y }) => {
    if (x < place.frames - 40 || x > place.frames + place.frame + 30) return null;
    const i = Math.round((y - place.mid(0)) / place.row);
    return i >= 0 && i < PAGES && Math.abs(y - place.mid(i)) < place.row / 2 ? i : Math.abs(y - place.table - place.box / 2) < place.row / 2 ? TABLE : null;
  };
  svg.addEventListener("pointerdown", (event) => {
    const entry = event.target.closest("[data-entry]"), wire = event.target.closest("[data-arrow]");
    if (event.button || (!entry && !wire)) return;
    const at = point(event), near = (page) => Math.hypot(tips[page].x - at.x, tips[page].y - at.y);
    // tips that share a frame lie on one another: the nearest is meant
    const page = entry ? +entry.dataset.entry : event.target.matches(".grip") ? each(PAGES, (i) => i).reduce((a, b) => (near(b) < near(a) ? b : a)) : +wire.dataset.arrow;
    held = { page, moved: false, entry: Boolean(entry), x0: at.x, y0: at.y, ...at, over: null, pointer: event.pointerId };
    svg.setPointerCapture(event.pointerId);
    pending = null;
    event.preventDefault();
    if (state().split) goto("entry", page, { focusVisible: false });
  });
  // Chromium pans in spite of touch-action on a part of an SVG; a finger on an arrow is no wish to scroll
  svg.addEventListener("touchstart", (event) => { if (event.target.closest("[data-arrow], [data-entry]")) event.preventDefault(); }, { passive: false });
  svg.addEventListener("pointermove", (event) => {
    if (!held || held.pointer !== event.pointerId) return;
    const at = point(event);
    if (!held.moved && Math.hypot(at.x - held.x0, at.y - held.y0) < 5) return;
    Object.assign(held, at, { moved: true, over: under(at) });
    lit = [held.page];
    show();
  });
  const drop = (event) => {
    if (!held || held.pointer !== event.pointerId) return;
    const { page, moved, entry, over: frame } = held;
    held = lit = null;
    if (event.type === "pointercancel") show();
    else if (!moved && entry) toggle(page);
    else if (moved && !state().split) move({ do: "remap", page, frame: frame ?? 1 });
    else if (moved && frame !== null && frame !== state().entries[page].frame) move({ do: "remap", page, frame });
    else show();
  };
  svg.addEventListener("pointerup", drop);
  svg.addEventListener("pointercancel", drop);
  svg.addEventListener("click", (event) => {
    const frame = event.target.closest("[data-frame]");
    if (!frame) return;
    active.frame = +frame.dataset.frame;
    move({ do: "free", frame: active.frame });
  });
  svg.addEventListener("pointerover", (event) => {
    if (held || event.pointerType === "touch") return;
    const hit = event.target.closest("[data-entry], [data-arrow], [data-frame]"), was = lit;
    lit = !hit ? null : hit.dataset.frame ? rules.showing(state(), +hit.dataset.frame) : [+(hit.dataset.entry ?? hit.dataset.arrow)];
    if (lit && !lit.length) lit = null;
    if (String(was) !== String(lit)) show();
  });
  svg.addEventListener("pointerleave", () => { if (!held && lit) { lit = null; show(); } });

  // --- keys: one tab stop for the entries, one for the frames
  function goto(kind, n, how = {}) {
    active = { ...active, [kind]: n };
    show();
    (kind === "entry" ? entries : frames)[n].g.focus({ preventScroll: true, ...how });
  }
  svg.addEventListener("keydown", (event) => {
    const entry = event.target.closest("[data-entry]"), frame = event.target.closest("[data-frame]"), { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || (!entry && !frame)) return;
    const aside = { ArrowLeft: -1, ArrowRight: 1 }[key], down = { ArrowUp: -1, ArrowDown: 1 }[key];
    if (frame) {
      const by = aside ?? down, at = +frame.dataset.frame;
      if (by) goto("frame", Math.max(0, Math.min(TABLE, at + by)));
      else if (key === "Enter" || key === " ") move({ do: "free", frame: at });
      else return;
      event.preventDefault();
      return;
    }
    const page = +entry.dataset.entry, at = state().entries[page].frame, aimed = pending?.frame ?? at;
    const next = down ? aimed + down : { Home: 0, End: PAGES - 1 }[key];
    const told = (words) => write([words, { page, frame: pending?.frame ?? at }]);
    if (aside) { pending = null; goto("entry", Math.max(0, Math.min(PAGES - 1, page + aside))); }
    else if (next !== undefined) {
      pending = { page, frame: Math.max(0, Math.min(PAGES - 1, next)) };
      hinted = null;
      if (pending.frame === at) pending = null;
      tell(told(pending ? "aim" : "aim at own"));
      show();
    } else if (key === "Enter") { if (pending?.page === page) move({ do: "remap", page, frame: pending.frame }); else tell(told("aim first")); }
    else if (key === " ") toggle(page);
    else if (key === "Escape" && pending) { pending = null; tell(told("aim at own")); show(); }
    else return;
    event.preventDefault();
  });
  svg.addEventListener("focusout", () => { if (pending) { pending = null; show(); } });
  // JupyterLab's command mode would take the arrow keys, x, a, b and d d for the notebook
  const keep = (event) => { if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation(); };
  el.addEventListener("keydown", keep);

  const fit = () => {
    const width = Math.round(svg.getBoundingClientRect().width) || 824;
    if (width !== place.width) { place = layout(width); arrange(); show(); }
  };
  tell(data.opening);
  clearTimeout(resting); // nobody asked
  fit();
  follow();
  const seen = new ResizeObserver(fit), ends = [link.listen(follow), link.judge(confirm)];
  seen.observe(svg);
  return () => {
    seen.disconnect();
    ends.forEach((end) => end());
    cancelAnimationFrame(running);
    clearTimeout(resting);
    el.removeEventListener("keydown", keep);
  };
}

/** JSON with sorted names: the same text for the same state, whoever wrote it. */
function canonical(value) {
  const sorted = (one) => (Array.isArray(one) ? one.map(sorted) : one && typeof one === "object"
    ? Object.fromEntries(Object.keys(one).sort().map((name) => [name, sorted(one[name])])) : one);
  return JSON.stringify(sorted(value));
}

/** anywidget's entry: the moves are the widget's, and Python plays them on the engine as well. */
function render({ model, el }) {
  const on = (name, f) => { model.on(`change:${name}`, f); return () => model.off(`change:${name}`, f); };
  return mount({
    el, data: model.get("data"),
    link: {
      seed: model.get("seed"),
      moves: () => model.get("moves"),
      send: (moves) => {
        model.set("moves", moves);
        try { model.save_changes(); } catch { /* the kernel is gone; the game goes on */ }
      },
      listen: (f) => on("moves", f),
      judge: (f) => on("judged", () => f(model.get("judged"))),
    },
  });
}

export default { render };
