// Lets a panel wait for a guess: veils what would give the answer away, draws the guess into the picture, and tells the
// verdict in the state that decides. Knows groups by their names, and nothing of what is drawn.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * Makes the panel in `el`, whose film plays, wait. `model` has its sliders: get(name), set(name, value), on and off of
 * "change:name". `wait` is data of hvlib.teaching.waits, `guess()` what was noted: { shown, number, verdict } or nothing.
 * Returns what looks again, and what ends it.
 */
export function begin({ el, model, wait, guess }) {
  const names = Object.keys(wait.decides);
  const says = make("span", { "aria-live": "polite" }), show = make("button", { type: "button", "data-lm-suppress-shortcuts": "true" }, "Show me");
  const bar = make("p", { class: "hv-wait" }, says, " ", show), over = make("div", { class: "hv-over", "aria-hidden": "true" });
  let met = false, picture = null, spoken = [], groups = new Map(), covers = "";

  /** Into the picture that is there now: in a narrow place another one is put up. */
  function attach() {
    const next = el.querySelector(".hv-picture");
    if (next === picture && over.parentNode === picture && bar.parentNode === el) return false;
    picture = next;
    picture.before(bar);
    picture.append(over);
    groups = new Map([...picture.querySelectorAll("svg g[data-name]")].map((group) => [group.dataset.name, group]));
    bare();
    spoken = [...el.querySelectorAll(".hv-caption, .hv-spoken")];
    return true;
  }
  attach();

  const among = (states) => Object.entries(states).every(([name, values]) => values.includes(model.get(name)));
  const decided = () => among(wait.verdict), telling = () => among(wait.tells);
  function box(name) {
    const found = groups.get(name), { width, height, left, top } = found?.getBoundingClientRect() ?? {};
    if (!width && !height) return null;
    const ground = over.getBoundingClientRect();
    return { x: left - ground.left, y: top - ground.top, w: width, h: height };
  }

  /** The boxes of a group without its words, if it has any. */
  function solid(name) {
    const ground = over.getBoundingClientRect(), rects = [...(groups.get(name)?.querySelectorAll("path") ?? [])].map((path) => path.getBoundingClientRect());
    if (!rects.length) return box(name);
    const [left, top] = ["left", "top"].map((side) => Math.min(...rects.map((rect) => rect[side]))), [right, bottom] = ["right", "bottom"].map((side) => Math.max(...rects.map((rect) => rect[side])));
    return { x: left - ground.left, y: top - ground.top, w: right - left, h: bottom - top };
  }

  /** Where the guess stands: boxes of the picture, or a line in one. */
  function places(number) {
    const { group: name, full, ends, cells, unit, only } = wait.spot;
    if (cells.length) {
      const many = number / unit, chosen = only ? [cells[many]] : cells.slice(0, Math.max(1, Math.floor(many)));
      const found = many > 0 || only ? chosen.filter(Boolean).map(solid).filter(Boolean) : [];
      return many > 0 && many < 1 && !only ? found.map((one) => ({ ...one, w: one.w * many })) : found;
    }
    const row = full || ends.length ? solid(name) : box(name), line = (x) => [{ x: Math.max(1, Math.min(over.clientWidth - 2, x)), y: row.y - 3, w: 0, h: row.h + 6 }];
    if (!row || (ends.length && !(number > 0))) return [];
    if (full) return line(row.x + row.w * Math.max(0, Math.min(1, number / full)));
    if (!ends.length) return [row];
    const [[from, low], [to, high]] = ends, a = box(from), b = box(to);
    return a && b ? line(a.x + a.w / 2 + (b.x + b.w / 2 - a.x - a.w / 2) * Math.log2(number / low) / Math.log2(high / low)) : [];
  }

  const apart = (one, other, room = 0) => one.x + one.w + room <= other.x || other.x + other.w + room <= one.x || one.y + one.h + room <= other.y || other.y + other.h + room <= one.y;

  /** Where words of a size stand beside a place and on no text of the picture, best on no box; null if nowhere. */
  function free({ w, h }, at, taken) {
    const ground = over.getBoundingClientRect(), seen = (element) => getComputedStyle(element).visibility !== "hidden";
    const rect = (element) => { const { left, top, width, height } = element.getBoundingClientRect(); return { x: left - ground.left, y: top - ground.top, w: width, h: height }; };
    const texts = [...[...picture.querySelectorAll("svg text")].filter(seen).map(rect), ...taken];
    const boxes = [...picture.querySelectorAll("svg path")].filter((path) => /H.*Z$/.test(path.getAttribute("d")) && seen(path)).map(rect);
    let best = null, least = Infinity;
    for (let y = 0; y <= ground.height - h; y += 4)
      for (let x = 0; x <= ground.width - w; x += 8) {
        const one = { x, y, w, h }, dx = Math.max(at.x - x - w, x - at.x - at.w, 0), dy = Math.max(at.y - y - h, y - at.y - at.h, 0);
        const far = Math.hypot(dx, dy);
        if (far >= least || texts.some((text) => !apart(one, text, 2))) continue;
        const cost = far + (boxes.some((other) => !apart(one, other)) ? 24 : 0);
        if (cost < least) [least, best] = [cost, one];
      }
    return best;
  }

  /** Veils of neighbours are one, and those that overlap and fill a rectangle. */
  function joined(boxes) {
    const near = (one, other) => {
      const [across, down] = [["x", "w"], ["y", "h"]].map(([from, size]) => Math.max(one[from] - other[from] - other[size], other[from] - one[from] - one[size]));
      return (across < 26 && Math.abs(one.y - other.y) < 4 && Math.abs(one.h - other.h) < 4) || (down < 12 && Math.abs(one.x - other.x) < 4 && Math.abs(one.w - other.w) < 40);
    };
    const left = [...boxes];
    for (let again = true; again;) {
      again = false;
      for (let i = 0; i < left.length; i++) for (let j = left.length - 1; j > i; j--) {
        if (!near(left[i], left[j])) continue;
        left[i] = around(left[i], left.splice(j, 1)[0]);
        again = true;
      }
    }
    for (let i = 0; i < left.length; i++) for (let j = left.length - 1; j > i; j--) {
      if (apart(left[i], left[j])) continue;
      const whole = around(left[i], left[j]), out = (one) => one.x < whole.x - 1 || one.y < whole.y - 1 || one.x + one.w > whole.x + whole.w + 1 || one.y + one.h > whole.y + whole.h + 1;
      if (covered(left, whole) < 0.95) continue;
      left.splice(0, left.length, ...left.filter(out), whole);
      i = -1; // once more from the first
      break;
    }
    return left;
  }
  function around(a, b) {
    const x = Math.min(a.x, b.x), y = Math.min(a.y, b.y);
    return { x, y, w: Math.max(a.x + a.w, b.x + b.w) - x, h: Math.max(a.y + a.h, b.y + b.h) - y };
  }
  /** How much of a box others cover together, of 1. */
  function covered(boxes, { x, y, w, h }) {
    const cuts = (from, size, low, high) => [...new Set([low, high, ...boxes.flatMap((one) => [one[from], one[from] + one[size]])])].filter((cut) => cut >= low && cut <= high).sort((a, b) => a - b);
    const xs = cuts("x", "w", x, x + w), ys = cuts("y", "h", y, y + h);
    let area = 0;
    for (let i = 1; i < xs.length; i++) for (let j = 1; j < ys.length; j++) {
      const [u, v] = [(xs[i] + xs[i - 1]) / 2, (ys[j] + ys[j - 1]) / 2];
      if (boxes.some((one) => one.x < u && u < one.x + one.w && one.y < v && v < one.y + one.h)) area += (xs[i] - xs[i - 1]) * (ys[j] - ys[j - 1]);
    }
    return area / (w * h);
  }

  let drawing = 0;
  /** What is out of sight is so at once; where things stand is measured in the frame, which lays them out anyway. */
  function draw() {
    const svg = picture.querySelector("svg[role=img]") ?? picture.querySelector("svg"), waiting = !met && !guess() && telling();
    const hidden = met ? [] : [...wait.always, ...(waiting ? wait.veils : [])], untold = Boolean(waiting || (!met && wait.untold));
    const veiled = new Set(hidden);
    for (const [name, group] of groups) group.toggleAttribute("data-veiled", veiled.has(name));
    for (const element of spoken) element.style.visibility = untold ? "hidden" : "";
    // Of the picture what is told, and not what can be touched: that has the focus, and tells only where it leads.
    for (const element of [...spoken, svg]) {
      if (untold === element.hasAttribute("aria-hidden")) continue;
      if (untold) element.setAttribute("aria-hidden", "true"); else element.removeAttribute("aria-hidden");
    }
    if (untold) el.dataset.untold = wait.untold ? "always" : "here"; else delete el.dataset.untold;
    cancelAnimationFrame(drawing);
    if (hidden.length || (guess() && decided())) drawing = requestAnimationFrame(() => cover(hidden));
    else bare();
  }

  function bare() {
    covers = "";
    over.replaceChildren();
  }

  /** Puts veils over the picture, and the guess into it where it is decided. */
  function cover(hidden) {
    const now = guess(), drawn = !hidden.length && now && decided() ? places(now.number) : [], boxes = (names) => names.map(box).filter(Boolean);
    const one = boxes(hidden.filter((name) => wait.together.includes(name))), each = boxes(hidden.filter((name) => !wait.together.includes(name)));
    const veils = [...joined(each), ...(one.length ? [one.reduce(around)] : [])];
    const next = JSON.stringify(veils);
    if (!drawn.length && next === covers) return; // they stand there
    bare();
    covers = next;
    const put = (name, { x, y, w, h }, words = "") => {
      const element = make("div", { class: name }, words);
      Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
      over.append(element);
    };
    for (const one of veils) put("hv-veil", one, one.w >= 12 && one.h >= 11 ? "?" : "");
    for (const at of drawn) put(at.w ? "hv-guess" : "hv-guess hv-line", at.w ? { x: at.x - 2, y: at.y - 2, w: at.w + 4, h: at.h + 4 } : at);
    if (!drawn.length) return;
    const flag = make("div", { class: "hv-flag" }, `your guess: ${now.shown}`);
    over.append(flag);
    const at = free({ w: flag.offsetWidth, h: flag.offsetHeight }, drawn.at(-1), drawn);
    if (at) Object.assign(flag.style, { left: `${at.x}px`, top: `${at.y}px` });
    else flag.remove(); // the bar above says it, too
  }

  /** As much room for the verdict as it will take, so that the picture stays where it is when it comes. */
  function reserve({ verdict, right }) {
    const probe = make("p", { class: "hv-wait hv-met", "aria-hidden": "true", "data-right": Boolean(right) }, make("span", {}, verdict));
    bar.style.minHeight = "";
    if (el.classList.contains("hv-narrow")) return; // where there is little room nothing is kept free for it
    bar.after(probe);
    bar.style.minHeight = `${probe.getBoundingClientRect().height}px`;
    probe.remove();
  }

  let later = 0;
  function follow() {
    const now = guess();
    if (now && decided()) met = true;
    const words = met ? (now ? now.verdict : wait.answer) : !now ? (decided() ? "This is where it is decided: guess above first, or" : telling() ? "The answer can be seen here: guess above first, or" : "The answer waits for your guess above, or")
      : `Your guess is ${now.shown}. ${wait.way}, or`;
    if (says.textContent !== words) says.textContent = words;
    bar.classList.toggle("hv-met", met);
    if (met && now) bar.dataset.right = Boolean(now.right);
    else delete bar.dataset.right;
    show.hidden = met;
    if (now && !met) reserve(now);
    draw();
    clearTimeout(later);
    later = setTimeout(draw, 320); // where groups stand after a glide
  }
  show.addEventListener("click", () => {
    met = true;
    for (const name of names) { model.set(name, wait.decides[name]); }
    model.save_changes();
    follow();
  });
  const axes = model.get("reel").axes.map((axis) => axis.name);
  for (const name of axes) model.on(`change:${name}`, follow);
  const sized = new ResizeObserver(draw), changed = new MutationObserver(() => { if (attach()) follow(); });
  sized.observe(el);
  changed.observe(el, { childList: true });
  follow();
  return {
    follow,
    end: () => {
      sized.disconnect();
      changed.disconnect();
      clearTimeout(later);
      cancelAnimationFrame(drawing);
      for (const name of axes) model.off(`change:${name}`, follow);
    },
  };
}

/** Plays a panel that may wait: `film` is the player's module, `wait` may be nothing. */
export function panel({ film, model, el, wait, guess, watch }) {
  const end = film.render({ model, el });
  if (!wait?.film) return end;
  const waiting = begin({ el, model, wait, guess }), deaf = watch(waiting.follow);
  return () => { deaf(); waiting.end(); end?.(); };
}

/** anywidget's entry. */
function render({ model, el }) {
  const noted = () => { const now = model.get("guess"); return now?.shown ? now : null; };
  const watch = (f) => { model.on("change:guess", f); return () => model.off("change:guess", f); };
  return panel({ film, model, el, wait: model.get("wait"), guess: noted, watch });
}

export default { render };
