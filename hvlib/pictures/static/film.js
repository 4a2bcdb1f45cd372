// Plays a film: Python drew every part of every frame; here they are only swapped. Knows nothing of what is drawn.
//
// reel = { title, base, names, parts, frames, alt, caption, axes: [{ name, label, values, texts, play }] }
// Frame number: the axes' positions as digits of a mixed-radix number, the last axis fastest.

const SVG = "http://www.w3.org/2000/svg";
const NUMBER = /-?\d+(?:\.\d+)?(?:e-?\d+)?/g;
const GLIDE = 280;
const REST = 500;
const BEAT = 1100;
let players = 0;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
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

/**
 * Puts a player into `el`. `state` is how it talks to the rest: get(name), set(name, value), listen(name, f) which
 * returns a function that ends it. Returns a function that takes the player down.
 */
export function play({ reel, state, el }) {
  const id = `hv${++players}-`;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const controls = make("div", { class: "hv-controls", role: "group", "aria-label": reel.title });
  const axes = reel.axes.map((axis) => {
    const input = make("input", {
      type: "range", id: id + axis.name, min: 0, max: axis.values.length - 1, step: 1, "data-axis": axis.name,
      "data-lm-suppress-shortcuts": "true",
    });
    const output = make("output", { for: id + axis.name });
    output.style.minWidth = `${Math.max(...axis.texts.map((text) => text.length)) * 0.62}em`;
    const row = make("div", { class: "hv-axis" }, make("label", { for: id + axis.name }, axis.label), input, output);
    controls.append(row);
    return { ...axis, input, output, row };
  });

  const picture = make("div", { class: "hv-picture" });
  picture.innerHTML = reel.base;
  const svg = picture.querySelector("svg");
  svg.setAttribute("role", "img");
  const slots = reel.names.map((name) => svg.querySelector(`[data-name="${CSS.escape(name)}"]`));
  const caption = make("p", { class: "hv-caption" });
  const note = make("p", { class: "hv-note" });
  const spoken = make("div", { class: "hv-spoken", role: "status" });
  el.classList.add("hv-panel");
  el.replaceChildren(controls, picture, caption, note, spoken);

  const templates = new Map();
  function copy(part) {
    if (part < 0) return [];
    if (!templates.has(part)) {
      const group = document.createElementNS(SVG, "g");
      group.innerHTML = reel.parts[part];
      templates.set(part, [...group.children]);
    }
    return templates.get(part).map((shape) => shape.cloneNode(true));
  }

  const shown = reel.names.map(() => -1);
  const gliding = new Map();
  let frameRequest = 0, resting = 0, beating = 0;

  function swap(slot, part) {
    const old = [...slots[slot].children], now = copy(part);
    slots[slot].replaceChildren(...now);
    shown[slot] = part;
    const moves = calm.matches ? [] : glides(old, now);
    if (moves.length) gliding.set(slot, moves);
    else gliding.delete(slot);
  }

  function glide() {
    cancelAnimationFrame(frameRequest);
    if (!gliding.size) return;
    const started = performance.now();
    const tick = (time) => {
      const done = Math.min(1, Math.max(0, (time - started) / GLIDE)), eased = 1 - (1 - done) ** 3;
      for (const moves of gliding.values())
        for (const { shape, to, between, start, end } of moves) {
          const path = (text, i) => (start[i] + (end[i] - start[i]) * eased).toFixed(2) + text;
          shape.setAttribute("d", done < 1 ? between[0] + between.slice(1).map(path).join("") : to);
        }
      if (done < 1) frameRequest = requestAnimationFrame(tick);
      else gliding.clear();
    };
    frameRequest = requestAnimationFrame(tick); // it runs before anything is painted
  }

  const place = (axis) => Math.max(0, axis.values.indexOf(state.get(axis.name)));

  function show(first) {
    let number = 0;
    for (const axis of axes) {
      const at = place(axis);
      number = number * axis.values.length + at;
      if (Number(axis.input.value) !== at) axis.input.value = at;
      axis.output.textContent = axis.texts[at];
      axis.input.setAttribute("aria-valuetext", axis.texts[at]);
    }
    reel.frames[number].forEach((part, slot) => { if (shown[slot] !== part) swap(slot, part); });
    if (first) gliding.clear();
    svg.setAttribute("aria-label", reel.alt[number]);
    caption.textContent = reel.caption[number];
    el.dataset.frame = number;
    clearTimeout(resting);
    if (!first) resting = setTimeout(() => { spoken.textContent = reel.caption[number]; }, REST);
    glide();
  }

  function say(axis, word) {
    axis.button.textContent = word;
    axis.button.setAttribute("aria-label", `${word} ${axis.label}`);
  }

  function stop() {
    clearInterval(beating);
    beating = 0;
    for (const axis of axes) if (axis.button) say(axis, "Play");
  }

  for (const axis of axes) {
    axis.input.addEventListener("input", () => { stop(); state.set(axis.name, axis.values[Number(axis.input.value)]); });
    if (!axis.play) continue;
    axis.button = make("button", { type: "button", "data-lm-suppress-shortcuts": "true" });
    say(axis, "Play");
    axis.button.addEventListener("click", () => {
      if (beating) return stop();
      const last = axis.values.length - 1;
      if (place(axis) === last) state.set(axis.name, axis.values[0]);
      say(axis, "Stop");
      beating = setInterval(() => {
        if (place(axis) < last) state.set(axis.name, axis.values[place(axis) + 1]);
        if (place(axis) === last) stop();
      }, BEAT);
    });
    axis.row.append(axis.button);
  }

  // JupyterLab's command mode would take the arrow keys, x, a, b and d d for the notebook
  const keep = (event) => { if (!event.ctrlKey && !event.metaKey && !event.altKey && event.key !== "Enter") event.stopPropagation(); };
  el.addEventListener("keydown", keep);
  const tell = () => { note.textContent = state.get("note") || ""; };
  const ends = [...axes.map((axis) => state.listen(axis.name, () => show(false))), state.listen("note", tell)];
  tell();
  show(true);
  return () => { ends.forEach((end) => end()); stop(); clearTimeout(resting); cancelAnimationFrame(frameRequest); el.removeEventListener("keydown", keep); };
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
