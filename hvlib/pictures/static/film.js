// Plays a film: Python drew every part of every frame; here they are only swapped. Knows nothing of what is drawn.
//
// reel = { title, ...drawing, alt, caption, axes: [{ name, label, values, texts, play, told }] }
// drawing = { base, names, parts, frames, touch, touched }; a reel may have a second one for a phone, `tall`.
// Frame number: the axes' positions as digits of a mixed-radix number, the last axis fastest.
// touch = tables of { zones: [[group, x, y, width, height, [[axis, place], ...]], ...], ties: [[group, ...], ...] }.

const SVG = "http://www.w3.org/2000/svg";
const NUMBER = /-?\d+(?:\.\d+)?(?:e-?\d+)?/g;
const GLIDE = 280;
const FRAME = 16;
const REST = 500;
const BEAT = 1100;
const GLIMPSE = 1600; // how long a finger's touch shows what belongs together
const FEW = 4; // up to so many values are buttons, side by side
const NARROW = 500; // below so many pixels the drawing for a phone is played
const EDGE = 8; // so far from the edge of the window stays a link that was followed
const STOPS = 10; // more than so many things to touch are one stop for Tab
const WAYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function button(text, name, press) {
  const made = make("button", { type: "button", "aria-label": name, "data-lm-suppress-shortcuts": "true" }, text);
  made.addEventListener("click", press);
  return made;
}

/** The shapes of a part that can glide: same commands, other numbers. */
function glides(old, now) {
  if (old.length !== now.length) return [];
  const found = [];
  now.forEach((shape, i) => {
    const from = old[i].getAttribute("d"), to = shape.getAttribute("d");
    if (!from || !to || from === to || from.replace(NUMBER, "#") !== to.replace(NUMBER, "#")) return;
    found.push({ shape, to, between: to.split(NUMBER), start: from.match(NUMBER).map(Number), end: to.match(NUMBER).map(Number) });
  });
  return found;
}

/** A drawing in an element: `show(frame)` swaps what differs, and glides unless it is told not to. */
function screen(drawing, picture) {
  picture.innerHTML = drawing.base;
  const svg = picture.querySelector("svg"), calm = matchMedia("(prefers-reduced-motion: reduce)");
  svg.setAttribute("role", "img");
  const slots = drawing.names.map((name) => svg.querySelector(`[data-name="${CSS.escape(name)}"]`));
  const templates = new Map(), shown = drawing.names.map(() => -1), gliding = new Map();
  let request = 0;

  function copy(part) {
    if (part < 0) return [];
    if (!templates.has(part)) {
      const group = document.createElementNS(SVG, "g");
      group.innerHTML = drawing.parts[part];
      templates.set(part, [...group.children]);
    }
    return templates.get(part).map((shape) => shape.cloneNode(true));
  }

  function swap(slot, part, moving) {
    const old = [...slots[slot].children], now = copy(part);
    slots[slot].replaceChildren(...now);
    shown[slot] = part;
    const moves = moving ? glides(old, now) : [];
    if (moves.length) gliding.set(slot, moves);
    else gliding.delete(slot);
  }

  function glide() {
    cancelAnimationFrame(request);
    if (!gliding.size) return;
    const started = performance.now() - FRAME; // the first frame already shows that it moves
    const tick = (time) => {
      const done = Math.min(1, Math.max(FRAME, time - started) / GLIDE), eased = 1 - (1 - done) ** 3;
      for (const moves of gliding.values())
        for (const { shape, to, between, start, end } of moves) {
          const path = (text, i) => (start[i] + (end[i] - start[i]) * eased).toFixed(2) + text;
          shape.setAttribute("d", done < 1 ? between[0] + between.slice(1).map(path).join("") : to);
        }
      if (done < 1) request = requestAnimationFrame(tick);
      else gliding.clear();
    };
    request = requestAnimationFrame(tick); // it runs before anything is painted
  }

  return {
    svg, slots,
    show(number, still) {
      const moving = !still && !calm.matches; // asked before anything is written
      drawing.frames[number].forEach((part, slot) => { if (shown[slot] !== part) swap(slot, part, moving); });
      if (still) gliding.clear();
      glide();
    },
    stop: () => cancelAnimationFrame(request),
  };
}

/**
 * What of a drawing can be touched: a button over each group that moves axes, over a drawing that stays one picture to
 * those who cannot see it. `go(places)` moves axes by number, `named(places)` says them, `at()` tells where they stand.
 */
function hands({ drawing, picture, svg, slots, go, named, at }) {
  const [, , wide, high] = svg.getAttribute("viewBox").split(" ").map(Number);
  const layer = make("div", { class: "hv-hits" });
  const zones = new Map();
  let table = null, glimpse = 0, families = new Map();
  picture.append(layer);

  /** A button, or for what does the same as one before it, and what does nothing, a place for a pointer. */
  function zone(slot, kind) {
    const made = kind === "b" ? make("button", { type: "button", "data-lm-suppress-shortcuts": "true" }) : make("div");
    made.dataset.group = drawing.names[slot];
    if (kind === "a") made.className = "hv-again";
    layer.append(made);
    return (made.hvZone = { made, slot, kind, moves: null, place: "" });
  }

  const buttons = () => [...zones.values()].filter(({ made, kind }) => kind === "b" && !made.hidden);

  /** Zones and ties of a frame. */
  function lay(number) {
    const next = drawing.touch[drawing.touched[number]];
    if (next !== table) spread((table = next));
    const stands = at();
    for (const one of buttons()) {
      const here = one.moves.every(([axis, place]) => stands[axis] === place);
      if (here === one.here) continue;
      one.here = here;
      if (here) one.made.setAttribute("aria-current", "true");
      else one.made.removeAttribute("aria-current");
    }
    if (pointed.length) point(pointed);
  }

  function spread({ zones: wanted, ties }) {
    const done = new Set(), there = new Set(), focused = layer.contains(document.activeElement) ? document.activeElement : null;
    for (const [slot, x, y, width, height, moves] of wanted) {
      const kind = !moves ? "" : done.has(String(moves)) ? "a" : "b", key = slot + kind;
      if (moves) done.add(String(moves));
      if (!zones.has(key)) zones.set(key, zone(slot, kind));
      const one = zones.get(key), { style } = one.made;
      const place = [x / wide, y / high, width / wide, height / high].map((part) => `${(100 * part).toFixed(3)}%`);
      there.add(key);
      one.made.hidden = false;
      if (one.place !== String(place)) [style.left, style.top, style.width, style.height] = place;
      one.place = String(place);
      if (kind === "b" && String(one.moves) !== String(moves)) one.made.setAttribute("aria-label", named(moves));
      one.moves = moves;
    }
    for (const [key, { made }] of zones) if (!there.has(key)) made.hidden = true;
    const stops = buttons(), roving = stops.length > STOPS;
    const says = stops.length ? { role: roving ? "toolbar" : "group", "aria-label": "in the picture" } : {};
    for (const name of ["role", "aria-label"]) says[name] ? layer.setAttribute(name, says[name]) : layer.removeAttribute(name);
    const stop = stops.find(({ made }) => made === focused) ?? stops.find(({ made }) => made.tabIndex === 0) ?? stops[0];
    for (const one of stops) one.made.tabIndex = roving && one !== stop ? -1 : 0;
    if (focused?.hidden) stop?.made.focus({ preventScroll: true });
    families = new Map();
    for (const tie of ties) for (const slot of tie) families.set(slot, new Set([...(families.get(slot) ?? []), ...tie]));
  }

  let pointed = [];
  /** Lets step back what does not belong to the groups pointed at; with none, all is as before. */
  function point(groups) {
    pointed = groups;
    clearTimeout(glimpse);
    const mine = new Set(groups.flatMap((slot) => [...(families.get(slot) ?? [])]));
    slots.forEach((group, slot) => group.toggleAttribute("data-apart", mine.size > 0 && families.has(slot) && !mine.has(slot)));
    const names = [...mine].map((slot) => drawing.names[slot]);
    picture.dispatchEvent(new CustomEvent("hv-pointed", { detail: names }));
  }

  const zoneOf = (event) => event.target.closest?.(".hv-hits > *")?.hvZone;
  const slotsOf = (one) => (one ? [one.slot] : []);
  function brief(groups) { point(groups); glimpse = setTimeout(() => point([]), GLIMPSE); }

  layer.addEventListener("click", (event) => {
    const one = zoneOf(event);
    if (one?.moves) go(one.moves);
  });
  layer.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") point(slotsOf(zoneOf(event))); });
  layer.addEventListener("pointerdown", (event) => { if (event.pointerType !== "mouse") brief(slotsOf(zoneOf(event))); });
  layer.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") point([]); });
  layer.addEventListener("focusout", () => point([]));
  layer.addEventListener("focusin", (event) => {
    const one = zoneOf(event);
    if (!one?.moves) return;
    if (layer.getAttribute("role") === "toolbar") for (const other of buttons()) other.made.tabIndex = other === one ? 0 : -1;
    if (event.target.matches(":focus-visible")) point([one.slot]);
  });
  layer.addEventListener("keydown", (event) => {
    const one = zoneOf(event), way = WAYS[event.key];
    if (!one || !way) return;
    event.preventDefault();
    beside(one, way).made.focus();
  });

  /** The next button in a direction, near before far. */
  function beside(from, [dx, dy]) {
    const middle = ({ made }) => [made.offsetLeft + made.offsetWidth / 2, made.offsetTop + made.offsetHeight / 2], [x, y] = middle(from);
    const far = (one) => { const [u, v] = middle(one), on = (u - x) * dx + (v - y) * dy, off = Math.abs((u - x) * dy) + Math.abs((v - y) * dx); return on > 1 ? on + 3 * off : Infinity; };
    return buttons().reduce((best, one) => (far(one) < far(best) ? one : best), from);
  }

  const numbers = (names) => names.map((name) => drawing.names.indexOf(name)).filter((slot) => slot >= 0);
  return {
    lay, stop: () => clearTimeout(glimpse),
    /** Points at groups by name, as a word beside the picture does; alone, a group stands out against all that can. */
    point: (names) => point(numbers(names)),
  };
}

/** A slider, or up to four buttons: `put(place)` shows where it stands; `moved(place)` is told what a reader does. */
function control(axis, id, moved) {
  const row = make("div", { class: "hv-axis" });
  if (axis.values.length <= FEW && !axis.play) {
    const inputs = axis.texts.map((_, place) => {
      const input = make("input", { type: "radio", name: id, value: place, "data-axis": axis.name, "data-lm-suppress-shortcuts": "true" });
      input.addEventListener("input", () => moved(place));
      return input;
    });
    const few = make("div", { class: "hv-few", role: "radiogroup", "aria-labelledby": id }, ...inputs.map((input, place) => make("label", {}, input, axis.texts[place])));
    row.append(make("span", { id, class: "hv-name" }, axis.label), few);
    return { row, put: (place) => { if (!inputs[place].checked) inputs[place].checked = true; } };
  }
  const input = make("input", {
    type: "range", id, min: 0, max: axis.values.length - 1, step: 1, "data-axis": axis.name, "data-lm-suppress-shortcuts": "true",
  });
  const output = make("output", { for: id });
  output.style.minWidth = `${Math.max(...axis.texts.map((text) => text.length)) * 0.62}em`;
  input.addEventListener("input", () => moved(Number(input.value)));
  row.append(make("label", { for: id, class: "hv-name" }, axis.label), input, output);
  return {
    row,
    put(place) {
      if (Number(input.value) !== place) input.value = place;
      if (output.textContent !== axis.texts[place]) output.textContent = axis.texts[place];
      input.setAttribute("aria-valuetext", axis.texts[place]);
    },
  };
}

/** Puts a player into `el`; `drawing` is the one of the reel's that is shown. Returns how to take it down, and more. */
function mount({ reel, drawing, state, el }) {
  const id = `hv${(globalThis.hvMounted = (globalThis.hvMounted ?? 0) + 1)}-`; // a notebook loads this module once for each panel
  const controls = make("div", { class: "hv-controls", role: "group", "aria-label": reel.title });
  const place = (axis) => Math.max(0, axis.values.indexOf(state.get(axis.name)));
  const axes = reel.axes.map((axis) => {
    const made = control(axis, id + axis.name, (to) => go([[axes.findIndex((one) => one.name === axis.name), to]]));
    controls.append(made.row);
    return { ...axis, ...made };
  });

  const picture = make("div", { class: "hv-picture" });
  const caption = make("p", { class: "hv-caption" });
  const note = make("p", { class: "hv-note" });
  const spoken = make("div", { class: "hv-spoken", role: "status" });
  el.classList.add("hv-panel");
  el.replaceChildren(controls, picture, caption, note, spoken);
  const shown = screen(drawing, picture);
  const hand = hands({ drawing, picture, ...shown, go, named, at: () => axes.map(place) });
  let resting = 0, beating = 0;

  function named(moves) {
    return moves.map(([axis, to]) => `${axes[axis].label} ${axes[axis].texts[to]}`).join(", ");
  }

  /** Moves axes by hand, whoever asks; what plays stops. */
  function go(moves) {
    stop();
    for (const [axis, to] of moves) if (place(axes[axis]) !== to) state.set(axes[axis].name, axes[axis].values[to]);
  }

  function show(first) {
    let number = 0;
    for (const axis of axes) {
      const at = place(axis);
      number = number * axis.values.length + at;
      axis.put(at);
    }
    shown.show(number, first);
    hand.lay(number);
    shown.svg.setAttribute("aria-label", reel.alt[number]);
    caption.textContent = reel.caption[number];
    el.dataset.frame = number;
    clearTimeout(resting);
    if (!first) resting = setTimeout(() => { spoken.textContent = reel.caption[number]; }, REST);
    document.dispatchEvent(new CustomEvent("hv-moved"));
  }

  /** As much room for the sentence as the longest of them needs, so that nothing jumps. */
  function reserve() {
    const longest = reel.caption.reduce((long, text) => (text.length > long.length ? text : long), "");
    const probe = make("p", { class: "hv-caption hv-probe", "aria-hidden": "true" }, longest);
    caption.after(probe);
    caption.style.minHeight = `${probe.offsetHeight}px`;
    probe.remove();
  }

  function say(axis, word) {
    axis.button.textContent = word;
    axis.button.setAttribute("aria-label", `${word} ${axis.label}`);
  }

  function stop() {
    clearInterval(beating);
    beating = 0;
    for (const axis of axes) if (axis.button && axis.button.textContent !== "Play") say(axis, "Play");
  }

  axes.forEach((axis, number) => {
    if (!axis.play) return;
    const last = axis.values.length - 1;
    const by = (step) => () => go([[number, Math.min(last, Math.max(0, place(axis) + step))]]);
    axis.button = button("Play", `Play ${axis.label}`, () => {
      if (beating) return stop();
      if (place(axis) === last) state.set(axis.name, axis.values[0]);
      say(axis, "Stop");
      beating = setInterval(() => {
        if (place(axis) < last) state.set(axis.name, axis.values[place(axis) + 1]);
        if (place(axis) === last) stop();
      }, BEAT);
    });
    axis.row.append(make("div", { class: "hv-steps" }, button("◀", `${axis.label} back`, by(-1)), axis.button, button("▶", `${axis.label} forward`, by(1))));
  });

  // JupyterLab's command mode would take the arrow keys, x, a, b and d d for the notebook
  const keep = (event) => { if (!event.ctrlKey && !event.metaKey && !event.altKey && event.key !== "Enter") event.stopPropagation(); };
  el.addEventListener("keydown", keep);
  const tell = () => { note.textContent = state.get("note") || ""; };
  const ends = [...axes.map((axis) => state.listen(axis.name, () => show(false))), state.listen("note", tell)];
  tell();
  show(true);
  reserve();
  return {
    axes, picture, go, place, reserve, point: hand.point,
    down() {
      ends.forEach((end) => end());
      stop();
      clearTimeout(resting);
      shown.stop();
      hand.stop();
      el.removeEventListener("keydown", keep);
    },
  };
}

/**
 * Plays a film in `el`, where that is narrow in its drawing for a phone. `state` is how it talks to the rest: get(name),
 * set(name, value), listen(name, f) which returns a function that ends it. Returns a function that takes it down.
 */
export function play({ reel, state, el }) {
  let player = null, drawing = null, wide = -1;
  function fit() {
    const narrow = el.clientWidth > 0 && el.clientWidth < NARROW, tall = reel.tall ?? state.get("tall");
    if (narrow && !tall && !state.get("narrow")) state.set("narrow", true); // whoever has the other drawing sends it
    const next = narrow && tall?.base ? tall : reel;
    el.classList.toggle("hv-narrow", narrow);
    if (next !== drawing) {
      player?.down();
      drawing = next;
      player = mount({ reel, drawing, state, el });
    } else if (el.clientWidth !== wide) player.reserve();
    wide = el.clientWidth;
  }
  fit();
  const watch = new ResizeObserver(fit);
  watch.observe(el);
  const heard = state.listen("tall", fit), unlinked = follow(el, () => player), unprinted = printed(reel, el, () => player);
  return () => { watch.disconnect(); heard(); unlinked(); unprinted(); player.down(); };
}

/**
 * Links in the prose. `#panel:step=3&scheme=off` moves the nearest panel that has these axes, and is the current one
 * while it stands there, with `step=4..9` from the first to the last; `#show:frame1,entry1` points at groups of the nearest panel that draws them, and they at it.
 */
function follow(el, player) {
  const home = () => el.closest(".jp-NotebookPanel") ?? document;
  const links = (kind) => [...home().querySelectorAll(`a[href^="#${kind}:"]`)];
  const asked = (link) => decodeURIComponent(link.getAttribute("href").slice(1).split(":").slice(1).join(":"));
  const groups = (link) => asked(link).split(",");

  function moves(link) {
    const { axes } = player(), found = [];
    for (const [name, text] of new URLSearchParams(asked(link).replace(/\+/g, "%2B"))) {
      const axis = axes.findIndex((one) => one.name === name);
      const [to, until] = text.split("..").map((one) => (axis < 0 ? -1 : axes[axis].values.findIndex((value) => String(value) === one)));
      if (to < 0 || until < 0) return null;
      found.push([axis, to, until ?? to]);
    }
    return found.length ? found : null;
  }
  const draws = (link) => groups(link).every((name) => el.querySelector(`g[data-name="${CSS.escape(name)}"]`));
  el.hvTakes = (link) => Boolean(link.hash.startsWith("#panel:") ? moves(link) : draws(link));

  /** Whether this panel is the one meant: of those that can, the nearest. */
  function mine(link) {
    const top = (one) => one.getBoundingClientRect().top;
    const able = [...home().querySelectorAll(".hv-panel")].filter((one) => one.hvTakes?.(link));
    able.sort((one, other) => Math.abs(top(one) - top(link)) - Math.abs(top(other) - top(link)));
    return able[0] === el;
  }
  const linkOf = (event) => { const link = event.target.closest?.('a[href^="#panel:"], a[href^="#show:"]'); return link && home().contains(link) && mine(link) ? link : null; };

  /** The picture into view by the smallest scroll, as far as the link stays; if half of it would not be seen so, without the link. */
  function seen(link) {
    const { picture } = player(), page = document.scrollingElement, scrolls = (one) => one.scrollHeight > one.clientHeight && /auto|scroll/.test(getComputedStyle(one).overflowY);
    let over = picture.parentElement;
    while (over && over !== page && !(over.contains(link) && scrolls(over))) over = over.parentElement;
    over ??= page;
    const box = over === page ? { top: 0, bottom: innerHeight } : over.getBoundingClientRect();
    const low = Math.max(box.top, 0) + (parseFloat(getComputedStyle(picture).scrollMarginTop) || 0), high = Math.min(box.bottom, innerHeight);
    const shot = picture.getBoundingClientRect(), word = link.getBoundingClientRect(), near = (value, from, to) => Math.min(Math.max(value, from), to);
    const first = Math.min(shot.top - low, shot.bottom - high), last = Math.max(shot.top - low, shot.bottom - high); // scrolled by so much, as much of it is seen as can be
    const whole = near(0, first, last), kept = near(whole, word.bottom + EDGE - high, word.top - EDGE - low);
    const lost = Math.max(0, first - kept, kept - last), half = Math.min(shot.height, high - low) / 2;
    const by = lost > half ? whole : kept;
    if (Math.abs(by) >= 1) over.scrollBy({ top: by, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
  }
  function click(event) {
    const link = linkOf(event);
    if (!link) return;
    event.preventDefault();
    event.stopPropagation();
    if (link.hash.startsWith("#panel:")) player().go(moves(link));
    else player().point(groups(link));
    seen(link);
  }
  const over = (event) => { const link = linkOf(event); if (link?.hash.startsWith("#show:")) player().point(groups(link)); };
  const out = (event) => { const link = linkOf(event); if (link?.hash.startsWith("#show:")) player().point([]); };
  let due = 0;
  const soon = () => { cancelAnimationFrame(due); due = requestAnimationFrame(() => setTimeout(current)); }; // the picture goes first
  function current() {
    for (const link of links("panel")) {
      if (!mine(link)) continue;
      const { axes, place } = player(), now = moves(link).every(([axis, to, until]) => place(axes[axis]) >= to && place(axes[axis]) <= until);
      if (now) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
  const lit = (event) => { for (const link of links("show")) if (mine(link)) link.toggleAttribute("data-lit", groups(link).every((name) => event.detail.includes(name))); };
  const heard = [["click", click, true], ["pointerover", over], ["pointerout", out], ["focusin", over], ["focusout", out], ["hv-moved", soon]];
  for (const [name, f, capture] of heard) document.addEventListener(name, f, capture);
  el.addEventListener("hv-pointed", lit, true);
  soon();
  return () => { cancelAnimationFrame(due); for (const [name, f, capture] of heard) document.removeEventListener(name, f, capture); el.removeEventListener("hv-pointed", lit, true); };
}

/** On paper a film is some of its states, one below the other. */
function printed(reel, el, player) {
  function before() {
    if (el.querySelector(".hv-multiples")) return;
    const { axes, place } = player();
    const main = axes.find((axis) => axis.play) ?? axes.reduce((long, axis) => (axis.values.length > long.values.length ? axis : long));
    const last = main.values.length - 1, chosen = [...new Set([0, last / 3, (2 * last) / 3, last].map(Math.round).concat(place(main)))].sort((a, b) => a - b);
    el.append(make("div", { class: "hv-multiples" }, ...chosen.map((to) => {
      const number = axes.reduce((sum, axis) => sum * axis.values.length + (axis === main ? to : place(axis)), 0);
      const picture = make("div"), one = screen(reel, picture);
      one.show(number, true);
      one.svg.setAttribute("aria-label", reel.alt[number]);
      return make("figure", {}, picture, make("figcaption", {}, main.told ? reel.caption[number] : `${main.label} ${main.texts[to]}. ${reel.caption[number]}`));
    })));
  }
  const after = () => el.querySelector(".hv-multiples")?.remove();
  addEventListener("beforeprint", before);
  addEventListener("afterprint", after);
  return () => { removeEventListener("beforeprint", before); removeEventListener("afterprint", after); };
}

/** anywidget's entry: the state is the widget's model, which the kernel sees as well. */
function render({ model, el }) {
  let saving = 0;
  return play({
    reel: model.get("reel"), el,
    state: {
      get: (name) => model.get(name),
      set: (name, value) => {
        model.set(name, value);
        clearTimeout(saving);
        saving = setTimeout(() => { try { model.save_changes(); } catch { /* the kernel is gone; the film plays on */ } }, 60);
      },
      listen: (name, f) => { model.on(`change:${name}`, f); return () => model.off(`change:${name}`, f); },
    },
  });
}

export default { render };
