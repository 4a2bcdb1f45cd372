// Lets a panel wait for a guess: veils what would give the answer away, draws the guess into the picture, and tells the
// verdict in the state that decides. Knows groups by their names, and nothing of what is drawn.

let waits = 0;

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
  const id = `hv-wait${++waits}`, names = Object.keys(wait.decides);
  const says = make("span", { "aria-live": "polite" }), show = make("button", { type: "button", "data-lm-suppress-shortcuts": "true" }, "Show me");
  const bar = make("p", { class: "hv-wait" }, says, " ", show), style = make("style"), over = make("div", { class: "hv-over", "aria-hidden": "true" });
  let met = false, picture = null, spoken = [];
  el.dataset.wait = id;

  /** Into the picture that is there now: in a narrow place another one is put up. */
  function attach() {
    const next = el.querySelector(".hv-picture");
    if (next === picture && over.parentNode === picture && bar.parentNode === el) return false;
    picture = next;
    picture.before(bar);
    el.append(style);
    picture.append(over);
    spoken = [...el.querySelectorAll(".hv-caption, .hv-spoken")];
    return true;
  }
  attach();

  const decided = () => names.every((name) => model.get(name) === wait.decides[name]);
  const group = (name) => picture.querySelector(`svg [data-name="${CSS.escape(name)}"]`);
  function box(name) {
    const found = group(name), { width, height, left, top } = found?.getBoundingClientRect() ?? {};
    if (!width && !height) return null;
    const ground = over.getBoundingClientRect();
    return { x: left - ground.left, y: top - ground.top, w: width, h: height };
  }

  /** Where the guess stands: a box of the picture, or a line in one. */
  function place(number) {
    const { spot } = wait;
    if (spot.ends.length) {
      const [[from, low], [to, high]] = spot.ends, a = box(from), b = box(to), row = box(spot.group);
      if (!a || !b || !row || !(number > 0)) return null;
      const at = a.x + a.w / 2 + (b.x + b.w / 2 - a.x - a.w / 2) * Math.log2(number / low) / Math.log2(high / low);
      return { x: Math.max(2, Math.min(over.clientWidth - 2, at)), y: row.y - 6, w: 0, h: row.h + 12 };
    }
    if (!spot.unit) return box(spot.group);
    const n = Math.floor(number / spot.unit), clamped = Math.max(spot.first, Math.min(spot.last, n));
    return box(spot.group + (clamped - spot.first));
  }

  let drawing = 0;
  /** What is out of sight is so at once; where things stand is measured in the frame, which lays them out anyway. */
  function draw() {
    const svg = picture.querySelector("svg[role=img]") ?? picture.querySelector("svg"), waiting = !met && decided();
    const hidden = met ? [] : [...wait.always, ...(waiting ? wait.veils : [])], untold = waiting || (!met && wait.untold);
    const veiled = hidden.length ? hidden.map((name) => `[data-wait="${id}"] svg [data-name="${name}"]`).join(",") + "{visibility:hidden}" : "";
    if (style.textContent !== veiled) style.textContent = veiled;
    for (const element of spoken) element.style.visibility = untold ? "hidden" : "";
    // Of the picture what is told, and not what can be touched: that has the focus, and tells only where it leads.
    for (const element of [...spoken, svg]) if (untold) element?.setAttribute("aria-hidden", "true"); else element?.removeAttribute("aria-hidden");
    cancelAnimationFrame(drawing);
    if (hidden.length || guess()) drawing = requestAnimationFrame(() => cover(hidden));
    else if (over.firstChild) over.replaceChildren();
  }

  /** Puts veils and the guess over the picture. */
  function cover(hidden) {
    over.replaceChildren();
    const put = (name, { x, y, w, h }, words = "") => {
      const element = make("div", { class: name }, words);
      Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
      over.append(element);
      return element;
    };
    const veils = hidden.map(box).filter(Boolean), now = guess(), at = now && place(now.number);
    for (const one of veils) put("hv-veil", one, "?");
    if (!at) return;
    put(at.w ? "hv-guess" : "hv-guess hv-line", at.w ? { x: at.x - 3, y: at.y - 3, w: at.w + 6, h: at.h + 6 } : at);
    const flag = make("div", { class: "hv-flag" }, `your guess: ${now.shown}`);
    over.append(flag);
    const { width: wide } = flag.getBoundingClientRect(), after = at.x + at.w + 6, before = at.x - wide - 6;
    const aside = after + wide < over.clientWidth ? after : before; // or above, where no side has room
    Object.assign(flag.style, aside >= 0 ? { left: `${aside}px`, top: `${Math.max(0, at.y + at.h / 2 - 12)}px` }
      : { left: `${Math.max(0, at.x + at.w - wide)}px`, top: `${Math.max(0, at.y - 26)}px` });
  }

  let later = 0;
  function follow() {
    const now = guess();
    if (now && decided()) met = true;
    const words = met ? (now ? now.verdict : wait.answer) : !now ? (decided() ? "This is where it is decided: guess above first, or" : "The answer waits for your guess above, or")
      : `Your guess, ${now.shown}, is drawn in the picture. ${wait.way}, or`;
    if (says.textContent !== words) says.textContent = words;
    bar.classList.toggle("hv-met", met);
    show.hidden = met;
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
