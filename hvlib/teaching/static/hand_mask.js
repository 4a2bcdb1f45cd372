// A tail finds its head by a stored address, or by its own address AND a mask. Heads, word 1 and orders are the engine's;
// here are only what a hand needs at once: head + n x the size of a struct page, and the AND itself.
export function masks({ el, data, id }) {
  const FACTS = data.facts, STRUCT = BigInt(data.struct);
  const choice = (name, words, options, chosen) => make("fieldset", {}, make("legend", {}, words), make("span", { class: "seg" },
    ...options.map(([value, text]) => make("label", {}, make("input", { type: "radio", name: `${id}-${name}`, "data-name": name, value, ...(value === chosen ? { checked: "" } : {}) }), text))));
  const land = svg("svg", { class: "land" }), sum = make("div", { class: "sum", "aria-hidden": "true" }), says = make("p", { class: "hv-says" }), spoken = make("div", { class: "hv-spoken", role: "status" });
  const root = make("figure", { class: "mask", role: "group", "aria-label": data.title },
    make("div", { class: "row" }, choice("stores", data.stores[0], data.stores[1], "pointer"), choice("size", data.sizes, Object.keys(FACTS).map((size) => [size, size]), "2 MiB")),
    land, sum, says, spoken);
  el.append(root);
  const say = voice(says, spoken);
  const now = { size: "2 MiB", stores: "pointer", page: 1, n: 300, merged: 0, tip: null };
  let width = 0, narrow = false, place = [], stopMerge = () => {}, stopTip = () => {}, moved = 0;

  const facts = () => FACTS[now.size];
  const hex = (value) => `0x${value.toString(16)}`;
  const grouped = (n) => n.toLocaleString("en-US");
  const at = (page, n) => BigInt(facts().heads[page]) + STRUCT * BigInt(n);
  const tint = (i, merged) => `color-mix(in srgb, var(--v${i}), var(--one) ${(merged * 100).toFixed(1)}%)`;

  // --- the picture -----------------------------------------------------------------------------------------------
  const strips = [0, 1, 2].map((page) => {
    const g = svg("g", { class: "strip" }, svg("rect", { class: "tail" }), svg("rect", { class: "page0" }), svg("path", { class: "cuts" }),
      svg("rect", { class: "head" }), svg("rect", { class: "frame" }), svg("text", { class: "mono head-at" }), svg("text", { class: "which" }), svg("text", { class: "inside" }));
    g.addEventListener("pointerdown", (event) => take(event, page));
    return g;
  });
  const leads = [0, 1, 2].map(() => svg("g", {}, svg("path", { class: "leads" }), svg("path", { class: "tip" })));
  const tails = [0, 1, 2].map(() => svg("g", { class: "tails" }, svg("rect"), svg("rect", { class: "inner" }), svg("text", { class: "mono" }), svg("text", { class: "what" })));
  const reach = svg("path", { class: "reach" }), reachTip = svg("path", { class: "reachtip" });
  const pin = svg("g", { class: "pin", role: "slider", tabindex: 0, "aria-label": "tail", "data-lm-suppress-shortcuts": "true" }, svg("rect", { x: -24, y: -8, width: 48, height: 80, fill: "transparent" }), svg("line", { class: "stem" }),
    svg("rect", { class: "ring", rx: 8 }), svg("rect", { class: "grip", rx: 5 }), svg("text"));
  land.append(...leads.slice(0, 1), leads[2], leads[1], ...strips, tails[0], tails[2], tails[1], reach, reachTip, pin);

  function measure() {
    const w = Math.floor(root.clientWidth);
    if (!w || w === width) return;
    width = w;
    narrow = w < 560;
    const gap = 22, sw = narrow ? w - 30 : (w - 2 * gap) / 3, deep = narrow ? 28 : 38;
    place = [0, 1, 2].map((i) => (narrow
      ? { x: 0, y: 46 + i * 104, w: sw, h: deep, box: { x: 0, y: 336 + i * 42, w: sw, h: 36 } }
      : { x: i * (sw + gap), y: 60, w: sw, h: deep, box: { x: i * (sw + gap) + (sw - Math.min(230, sw)) / 2, y: 190, w: Math.min(230, sw), h: 56 } }));
    draw();
  }

  const xOf = (page, n) => place[page].x + (n / facts().structs) * place[page].w;

  function draw() {
    if (!width) return;
    const f = facts(), m = now.merged, height = narrow ? 460 - 84 * m : 252;
    set(land, { viewBox: `0 0 ${width} ${height}`, height });
    strips.forEach((g, page) => {
      const { x, y, w, h } = place[page], part = w / f.pages;
      const rect = (name, box) => set(g.querySelector(name), box);
      rect(".tail", { x, y, width: w, height: h, style: `fill:${tint(page, m)}` });
      rect(".page0", { x, y, width: part, height: h });
      rect(".head", { x, y: y - 4, width: Math.max(5, w / f.structs), height: h + 8 });
      rect(".frame", { x, y, width: w, height: h });
      set(g.querySelector(".cuts"), { d: f.pages > 64 ? "" : Array.from({ length: f.pages - 1 }, (_, i) => `M${x + (i + 1) * part} ${y}v${h}`).join("") });
      const inside = g.querySelector(".inside");
      set(inside, { y: y + h / 2 + 4.5, style: `stroke:${tint(page, m)}` });
      const label = g.querySelector(".head-at"), which = g.querySelector(".which");
      label.textContent = `${narrow || w > 250 ? "head " : ""}${f.heads[page]}`;
      set(label, { x, y: y - 33 });
      which.textContent = `${narrow || w > 290 ? "huge page" : "page"} ${page}`;
      set(which, { x: x + w, y: y - 33, "text-anchor": "end", class: "which quiet" });
    });
    tails.forEach((g, i) => {
      const from = place[i].box, to = place[narrow ? 0 : 1].box, x = from.x + (to.x - from.x) * m, y = from.y + (to.y - from.y) * m, { w, h } = from;
      const [outer, inner] = g.querySelectorAll("rect"), [value, what] = g.querySelectorAll("text");
      set(outer, { x, y, width: w, height: h, style: `fill:${tint(i, m)}` });
      set(inner, { x: x + 3, y: y + 3, width: w - 6, height: h - 6, stroke: "var(--hv-ink)", opacity: m });
      value.textContent = m < 0.5 ? f.pointer[i] : f.mask[i];
      what.textContent = m < 0.5 ? "a page of tails, word 1:" : i === 1 ? "one page of tails, word 1:" : "";
      if (narrow) { set(value, { x: x + w - 78, y: y + 23 }); set(what, { x: x + 84, y: y + 23 }); what.textContent = m < 0.5 ? `tails of page ${i}` : "tails of all three"; }
      else { set(value, { x: x + w / 2, y: y + 42 }); set(what, { x: x + w / 2, y: y + 22 }); }
      set(g, { opacity: i === 1 ? 1 : m > 0.98 ? 0 : 1 });
      const [line, tip] = leads[i].children, s = place[i];
      if (narrow) {
        const out = s.w + 9 + i * 8, ty = y + h / 2 + (m < 0.98 ? 0 : (i - 1) * 9), sy = s.y + s.h / 2;
        set(line, { d: `M${s.w + 1} ${sy}H${out}V${ty}H${s.w + 7}` });
        set(tip, { d: `M${s.w + 1} ${ty}l8 -4v8z` });
      } else {
        const sx = s.x + s.w * 0.56, sy = s.y + s.h + 1, tx = x + w / 2 + m * (i - 1) * 40, ty = y - 9;
        set(line, { d: `M${sx} ${sy}C${sx} ${sy + 50} ${tx} ${ty - 50} ${tx} ${ty}` });
        set(tip, { d: `M${tx} ${ty + 8}l-4.5 -9h9z` });
      }
    });
    drawPin();
  }

  /** A strip's words stand at its right end, or left of the tail's mark where that would cross them; short if they must. */
  function aside(g, page) {
    const { x, w } = place[page], inside = g.querySelector(".inside"), right = x + w - 8, left = x + w / facts().pages + 8;
    const mark = page === now.page ? xOf(page, now.n + 0.5) : -Infinity, words = `pages 1 to ${grouped(facts().pages - 1)}`;
    for (const text of narrow || w > 290 ? [`vmemmap ${words}`, words] : [words]) {
      if (inside.textContent !== text) inside.textContent = text;
      const long = inside.getComputedTextLength() + 6;
      set(inside, right - long > mark ? { x: right, "text-anchor": "end" } : { x: left, "text-anchor": "start" });
      if (right - long > mark || left + long < mark) break;
    }
  }

  function drawPin() {
    strips.forEach(aside);
    const { page, n } = now, { y, h } = place[page], x = xOf(page, n + 0.5), tip = now.tip ?? { x: xOf(page, 0) + 2.5, y: y - 5 };
    const label = grouped(n), wide = Math.max(40, 14 + label.length * 8), shift = clamp(x, wide / 2 - 2, width - wide / 2 + 2) - x;
    const [hit, stem] = pin.children, ring = pin.querySelector(".ring"), grip = pin.querySelector(".grip"), text = pin.querySelector("text");
    set(pin, { transform: `translate(${x} ${y})` });
    set(hit, { y: -6, height: h + 42, x: shift - 26, width: 52 });
    set(stem, { x1: 0, x2: 0, y1: -5, y2: h + 9 });
    set(grip, { x: shift - wide / 2, y: h + 8, width: wide, height: 24 });
    set(ring, { x: shift - wide / 2 - 5, y: h + 3, width: wide + 10, height: 34 });
    set(text, { x: shift, y: h + 24.5 });
    text.textContent = label;
    const top = Math.min(y, tip.y + 5) - 6, lift = Math.min(11, 4 + Math.abs(x - tip.x) * 0.06) / 0.75;
    set(reach, { d: `M${x} ${y - 5}C${x} ${top - lift} ${tip.x} ${top - lift} ${tip.x} ${tip.y - 6}` });
    set(reachTip, { d: `M${tip.x} ${tip.y + 3}l-5 -10h10z` });
  }

  // --- the sum, bit by bit ---------------------------------------------------------------------------------------
  const lines = ["first", "second", "result"].map((name) => {
    const label = document.createElement("b"), nibs = document.createElement("div");
    nibs.className = `nibs ${name}`;
    for (let i = 0; i < 12; i++) nibs.insertAdjacentHTML("beforeend", '<span class="nib"><span class="hex"></span><i></i><i></i><i></i><i></i></span>');
    sum.append(label, nibs);
    return { label, nibs, digits: [...nibs.querySelectorAll(".hex")], bits: [...nibs.querySelectorAll("i")] };
  });

  function spell(line, title, value, classes, was) {
    line.label.innerHTML = `${title} <code>${hex(value)}</code>`;
    line.digits.forEach((digit, i) => { digit.textContent = ((value >> BigInt(44 - 4 * i)) & 15n).toString(16); });
    line.bits.forEach((cell, i) => {
      const bit = 47 - i, name = classes(bit);
      cell.textContent = String((value >> BigInt(bit)) & 1n);
      cell.className = name;
      if (was !== undefined && name === "gone") { cell.dataset.was = String((was >> BigInt(bit)) & 1n); void cell.offsetWidth; cell.className = "gone was"; }
    });
  }

  function reckon(fresh) {
    const { page, n, stores } = now, f = facts(), own = at(page, n), word = BigInt(f[stores][page]), masked = stores === "mask";
    const head = masked ? own & word : word - 1n, low = (bit) => bit < f.bits;
    spell(lines[0], "the tail's own address", own, (bit) => (masked ? (low(bit) ? "low" : "") : "unused"));
    spell(lines[1], masked ? "AND word 1, the mask" : "word 1, the head + 1", word, (bit) => (bit === 0 ? "flag" : masked && low(bit) ? "gone" : ""));
    spell(lines[2], masked ? "= the head" : "− 1 = the head", head, (bit) => (masked && low(bit) ? "gone" : ""), masked && fresh && !calm.matches ? own : undefined);
    lines[0].nibs.classList.toggle("unused", !masked);
    set(pin, { "aria-valuemin": 1, "aria-valuemax": 3 * (f.structs - 1), "aria-valuenow": page * (f.structs - 1) + n, "aria-valuetext": `tail ${n} of huge page ${page}, at ${hex(own)}` });
    const count = grouped(3 * (f.structs - 1));
    const values = { n: grouped(n), page, own: `<code>${hex(own)}</code>`, word: `<code>${hex(word)}</code>`, head: `<code>${hex(head)}</code>`, bits: f.bits, count, near: grouped(f.in_page - 1), far: grouped(f.structs - f.in_page), last: grouped(f.pages - 1) };
    say(write(data.words[stores], values), masked ? "good" : "");
  }

  // --- the hand --------------------------------------------------------------------------------------------------
  function go(page, n) {
    n = clamp(n, 1, facts().structs - 1);
    if (page === now.page && n === now.n) return;
    const before = now.tip ?? { x: xOf(now.page, 0) + 2.5, y: place[now.page].y - 5 }, crossed = page !== now.page;
    Object.assign(now, { page, n });
    if (crossed) {
      const to = { x: xOf(page, 0) + 2.5, y: place[page].y - 5 };
      stopTip();
      stopTip = glide((t) => { now.tip = t === 1 ? null : { x: before.x + (to.x - before.x) * t, y: before.y + (to.y - before.y) * t }; drawPin(); }, 240);
    }
    const rested = performance.now() - moved > 350;
    moved = performance.now();
    drawPin();
    reckon(rested || crossed);
  }

  function follow(event) {
    const box = land.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let page = 0, far = Infinity;
    place.forEach((p, i) => {
      const d = narrow ? Math.abs(y - (p.y + p.h / 2 + (pin.classList.contains("held") ? 14 : 0))) : Math.max(p.x - x, x - p.x - p.w, 0);
      if (d < far) { far = d; page = i; }
    });
    go(page, Math.floor(((x - place[page].x) / place[page].w) * facts().structs));
  }

  function take(event) {
    if (event.button) return;
    event.preventDefault();
    const element = event.currentTarget;
    pin.focus({ focusVisible: false });
    pin.classList.add("held");
    element.setPointerCapture(event.pointerId);
    if (element !== pin) follow(event);
    element.addEventListener("pointermove", follow);
    element.addEventListener("lostpointercapture", () => { pin.classList.remove("held"); element.removeEventListener("pointermove", follow); reckon(true); }, { once: true });
  }
  pin.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false }); // touch-action does not reach into an SVG
  pin.addEventListener("pointerdown", take);
  pin.addEventListener("keydown", (event) => {
    const span = facts().structs - 1, to = keyed(event, now.page * span + now.n - 1, { page: facts().structs / 8, low: 0, high: 3 * span - 1 });
    if (to === undefined) return;
    event.preventDefault();
    go(Math.floor(to / span), (to % span) + 1);
  });
  root.addEventListener("change", ({ target }) => {
    if (target.dataset.name === "size") {
      const share = now.n / facts().structs;
      now.size = target.value;
      now.n = clamp(Math.round(share * facts().structs), 1, facts().structs - 1);
      draw();
    } else {
      now.stores = target.value;
      const from = now.merged, to = Number(now.stores === "mask");
      stopMerge();
      stopMerge = glide((t) => { now.merged = from + (to - from) * t; draw(); }, 700);
    }
    reckon(true);
  });
  const seen = new ResizeObserver(measure);
  seen.observe(root);
  measure();
  reckon(false);
  return () => { seen.disconnect(); stopMerge(); stopTip(); };
}
