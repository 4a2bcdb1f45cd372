// What the hands have in common: elements, calm, words with places in them, a sentence that is spoken when it rests.
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
function make(tag, attributes = {}, ...children) {
  const element = set(document.createElement(tag), attributes);
  element.append(...children);
  return element;
}
function svg(tag, attributes = {}, ...children) {
  const element = set(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes);
  element.append(...children);
  return element;
}

/** Words with their places filled: "{n}" is the value of that name. Words come from Python; markup is theirs alone. */
const write = (words, values) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);

/** A visible sentence that follows at once, and a spoken one that waits until the hand rests. */
function voice(visible, spoken, rest = 500) {
  let waiting = 0, asked = false;
  return (html, tone = "") => {
    if (visible.innerHTML !== html) visible.innerHTML = html;
    visible.dataset.tone = tone;
    clearTimeout(waiting);
    if (!asked) { asked = true; return; } // how it opens, nobody asked
    waiting = setTimeout(() => { if (spoken.textContent !== visible.textContent) spoken.textContent = visible.textContent; }, rest);
  };
}

/** Calls step(t) with t from 0 to 1, eased; at once where motion is reduced. Returns how to stop. */
function glide(step, milliseconds = 280) {
  if (calm.matches) { step(1); return () => {}; }
  const started = performance.now();
  let request = requestAnimationFrame(function tick(now) {
    const t = clamp((now - started) / milliseconds, 0, 1);
    step(1 - (1 - t) ** 3);
    if (t < 1) request = requestAnimationFrame(tick);
  });
  return () => cancelAnimationFrame(request);
}

/** Where the keys of a slider lead; undefined for any other key. */
function keyed(event, at, { step = 1, page = 8, low, high }) {
  const by = { ArrowRight: step, ArrowUp: step, ArrowLeft: -step, ArrowDown: -step, PageUp: page, PageDown: -page }[event.key];
  if (event.key === "Home") return low;
  if (event.key === "End") return high;
  return by === undefined ? undefined : clamp(at + by, low, high);
}

/** Lets an element be dragged by mouse and finger: follow(event) while it is held. Fingers on it do not scroll. */
function held(element, follow) {
  element.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false }); // touch-action does not reach into an SVG
  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    element.focus({ focusVisible: false });
    element.setPointerCapture(event.pointerId);
    element.classList.add("held");
    follow(event);
    element.addEventListener("pointermove", follow);
    element.addEventListener("lostpointercapture", () => { element.classList.remove("held"); element.removeEventListener("pointermove", follow); }, { once: true });
  });
}
