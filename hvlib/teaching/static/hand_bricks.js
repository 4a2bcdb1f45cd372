// Struct pages as bricks in trays, the vmemmap pages. The engine says how many trays, which bricks lie across, how each
// tray is cut; here brick i stands at i x size, and nothing else is worked out.
export function bricks({ el, data, id }) {
  const { page: PAGE, bricks: BRICKS, step: STEP, own: OWN, facts: FACTS } = data, SIZES = Object.keys(FACTS).map(Number);
  const LOW = SIZES[0], HIGH = SIZES.at(-1);
  const root = make("figure", { class: "bricks", role: "group", "aria-label": data.title }), find = (name) => root.querySelector(name);
  root.append(svg("svg", { class: "brick" }), make("p", { class: "hv-says" }), make("p", { class: "pairname" }), svg("svg", { class: "pair", role: "img" }),
    make("p", { class: "hint" }, data.hint), make("div", { class: "key" }, ...["first", "own", "plain", "across"].map((name) => make("span", {}, make("i", { class: name }), data.key[name]))),
    svg("svg", { class: "trays", role: "listbox", "aria-multiselectable": "true", "aria-label": data.choose }), make("div", { class: "hv-spoken", role: "status" }));
  find(".pairname").append("Tray ", make("output", { class: "a" }), " under tray ", make("output", { class: "b" }));
  el.append(root);
  const brick = find(".brick"), trays = find(".trays"), pair = find(".pair");
  const say = voice(find(".hv-says"), find(".hv-spoken"));
  const now = { size: 64, drawn: 64, chosen: [1], focus: 2 };
  let width = 0, narrow = false, left = 0, right = 0, pitch = 0, deep = 0, stopGlide = () => {};

  const box = (x, y, w, h) => `M${x.toFixed(2)} ${y}h${w.toFixed(2)}v${h}h${(-w).toFixed(2)}z`;
  const kind = (i) => (i === 0 ? "first" : i < OWN ? "own" : "plain");

  /** Paths of one tray's bricks between bytes `from` and `to` of it, at `scale` pixels a byte. */
  function laid(tray, size, { x, y, height, scale, from = 0, to = PAGE }) {
    const paths = { plain: "", own: "", first: "", across: "", torn: "" }, start = tray * PAGE;
    const mortar = scale * size < 8 ? 0.7 : 1.2;
    const begin = Math.max(0, Math.floor((start + from) / size));
    for (let i = begin; i < BRICKS && i * size < start + to; i++) {
      const at = i * size - start, end = at + size;
      const a = x + (Math.max(at, from) - from) * scale, b = x + (Math.min(end, to) - from) * scale;
      if (b - a < 0.02) continue;
      const before = at < -0.01, after = end > PAGE + 0.01 && i < BRICKS - 1;
      if ((before && from === 0) || (after && to === PAGE)) {
        const l = before ? a : a + mortar / 2, r = after ? b : b - mortar / 2;
        paths.across += box(l, y, Math.max(0.6, r - l), height);
        const edge = before ? l : r, tooth = height / 4;
        paths.torn += `M${edge.toFixed(2)} ${y}` + [1, -1, 1, -1].map((s) => `l${s * 1.6} ${tooth / 2}l${-s * 1.6} ${tooth / 2}`).join("");
      } else paths[kind(i)] += box(a + mortar / 2, y, Math.max(0.4, b - a - mortar), height);
    }
    return paths;
  }
  const put = (group, paths) => { for (const [name, d] of Object.entries(paths)) group.querySelector(`path.${name}`).setAttribute("d", d); };
  const layers = () => ["plain", "own", "first", "across", "torn"].map((name) => svg("path", { class: name }));

  // --- the enlarged brick, whose edge is pulled -----------------------------------------------------------------
  const words = svg("g"), body = svg("rect", { class: "body", y: 22, height: 46 });
  const handle = svg("g", { class: "handle", role: "slider", tabindex: 0, "aria-label": "sizeof(struct page), bytes", "data-lm-suppress-shortcuts": "true", "aria-valuemin": LOW, "aria-valuemax": HIGH },
    svg("rect", { x: -22, y: 4, width: 44, height: 82, fill: "transparent" }), svg("rect", { class: "ring", x: -13, y: 10, width: 26, height: 70, rx: 6 }),
    svg("rect", { class: "grip", x: -8, y: 15, width: 16, height: 60, rx: 5 }), svg("path", { class: "dots", d: "M-2.5 38v14M2.5 38v14" }));
  const inside = svg("text", { y: 50, "text-anchor": "middle", "font-weight": 700 });
  const ticks = SIZES.map((size) => {
    const tick = svg("g", { class: "tick" }, svg("rect", { y: 76, height: 30 }), svg("line", { y1: 72, y2: 79, stroke: "var(--hv-quiet)" }), svg("text", { y: 98, "text-anchor": "middle" }, String(size)));
    tick.addEventListener("click", () => resize(size));
    return tick;
  });
  const none = svg("text", { y: 14, class: "quiet", "text-anchor": "end" });
  brick.append(words, body, inside, ...ticks, none, handle);
  let perByte = 1;
  const edgeOf = (size) => 2 + size * perByte;

  function drawBrick() {
    const size = now.drawn, edge = edgeOf(size);
    set(body, { x: 2, width: edge - 2 });
    words.replaceChildren();
    for (let at = 0; at < size; at += STEP) words.append(svg("rect", { class: "word", x: 2 + at * perByte, y: 22, width: Math.min(STEP, size - at) * perByte, height: 46 }));
    set(handle, { transform: `translate(${edge} 0)`, "aria-valuenow": now.size, "aria-valuetext": `${now.size} bytes, ${now.size / STEP} words` });
    inside.textContent = narrow ? `${now.size} bytes` : `one struct page: ${now.size} bytes, ${now.size / STEP} words`;
    set(inside, { x: Math.max(60, (edge - 12) / 2) });
    ticks.forEach((tick, i) => {
      const label = tick.querySelector("text"), x = edgeOf(SIZES[i]), half = (STEP * perByte) / 2;
      set(label, { x, class: SIZES[i] === now.size ? "now" : FACTS[SIZES[i]].linux ? "" : "quiet" });
      set(tick.querySelector("line"), { x1: x, x2: x });
      set(tick.querySelector("rect"), { x: x - half, width: 2 * half });
      const crowded = narrow && SIZES[i] > 100 && SIZES[i] !== now.size; // three digits need more than one step of room
      label.style.display = crowded && (SIZES[i] % 16 || Math.abs(SIZES[i] - now.size) === STEP) ? "none" : "";
    });
    set(none, { x: width - 2 });
    none.textContent = `${now.size} bytes: ${FACTS[now.size].linux ? data.words.built : data.words.unbuilt}`;
  }

  function resize(size, animate = true) {
    if (size === now.size) return;
    now.size = size;
    const last = FACTS[size].trays - 1;
    now.chosen = now.chosen.map((tray) => Math.min(tray, last));
    if (now.chosen.length === 2 && now.chosen[0] === now.chosen[1]) now.chosen[0] = last - 1;
    now.focus = Math.min(now.focus, last);
    const from = now.drawn;
    stopGlide();
    const go = (t) => { now.drawn = t === 1 ? size : from + (size - from) * t; draw(); };
    if (animate) stopGlide = glide(go, 260); else go(1);
    tell();
  }
  handle.addEventListener("keydown", (event) => {
    const to = keyed(event, now.size, { step: STEP, page: 2 * STEP, low: LOW, high: HIGH });
    if (to !== undefined) { event.preventDefault(); resize(to); }
  });
  handle.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false }); // touch-action does not reach into an SVG
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.focus({ focusVisible: false });
    handle.setPointerCapture(event.pointerId);
    handle.classList.add("held");
    const off = event.clientX - brick.getBoundingClientRect().left - edgeOf(now.size);
    const move = (e) => {
      const bytes = (e.clientX - brick.getBoundingClientRect().left - off - 2) / perByte;
      resize(clamp(Math.round(bytes / STEP) * STEP, LOW, HIGH));
    };
    const end = () => { handle.classList.remove("held"); handle.removeEventListener("pointermove", move); };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", end, { once: true });
  });

  // --- the trays: click, drag one onto another, or arrows and Enter ---------------------------------------------
  const TRAYS = Math.max(...SIZES.map((size) => FACTS[size].trays));
  const rows = Array.from({ length: TRAYS }, (_, tray) => {
    const row = svg("g", { class: "tray", role: "option" }, svg("rect", { class: "hit", x: 0, fill: "transparent" }), svg("rect", { class: "bed" }), ...layers(),
      svg("rect", { class: "edge", rx: 2 }), svg("rect", { class: "ring", rx: 4 }), svg("text", { class: "name" }), svg("text", { class: "over" }));
    row.addEventListener("click", () => { if (!dragged) choose(tray); });
    row.addEventListener("focus", () => { now.focus = tray; });
    row.addEventListener("pointerdown", (event) => lift(event, tray));
    row.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(tray); return; }
      const down = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const last = FACTS[now.size].trays - 1;
      const to = down ? clamp(tray + down, 0, last) : event.key === "Home" ? 0 : event.key === "End" ? last : undefined;
      if (to === undefined) return;
      event.preventDefault();
      now.focus = to;
      draw();
      rows[to].focus();
    });
    trays.append(row);
    return row;
  });
  const ghost = svg("g", { class: "ghost", visibility: "hidden" }, svg("rect", { class: "bed", fill: "var(--mortar)" }), ...layers(), svg("rect", { class: "edge" }));
  trays.append(ghost);

  function drawTrays() {
    const scale = (right - left) / PAGE, size = now.drawn;
    const shown = Math.ceil((BRICKS * size - 1) / PAGE);
    const height = TRAYS * pitch + 6; // what stands below does not move
    set(trays, { height, viewBox: `0 0 ${width} ${height}` });
    rows.forEach((row, tray) => {
      row.style.display = tray < shown ? "" : "none";
      if (tray >= shown) return;
      const y = 3 + tray * pitch, used = Math.min(PAGE, BRICKS * size - tray * PAGE) * scale;
      set(row.querySelector(".hit"), { y: y - 1, width, height: pitch });
      set(row.querySelector(".bed"), { x: left, y: y - 1, width: used, height: deep + 2 });
      put(row, laid(tray, size, { x: left, y, height: deep, scale }));
      set(row.querySelector(".edge"), { x: left - 2, y: y - 3, width: right - left + 4, height: deep + 6 });
      set(row.querySelector(".ring"), { x: left - 5, y: y - 5, width: right - left + 10, height: deep + 10 });
      const place = now.chosen.indexOf(tray), name = row.querySelector(".name"), over = row.querySelector(".over");
      set(name, { x: 0, y: y + deep / 2 + 4.5, class: place < 0 ? "name" : "name tag" });
      name.textContent = (narrow ? "" : "tray ") + tray + (place < 0 ? "" : place ? " ▲" : " ▼");
      const across = FACTS[now.size].across.find((i) => Math.floor((i * now.size) / PAGE) === tray);
      over.textContent = across === undefined ? "" : `${across} ↵`;
      set(over, { x: right + 7, y: y + deep / 2 + 4.5 });
      set(row, { tabindex: tray === now.focus ? 0 : -1, "aria-selected": place >= 0, "aria-label": `tray ${tray}` + (across === undefined ? "" : `, brick ${across} lies across into tray ${tray + 1}`) });
    });
  }

  function choose(tray) {
    const at = now.chosen.indexOf(tray);
    if (at >= 0) now.chosen.splice(at, 1);
    else now.chosen = [...now.chosen.slice(-1), tray];
    now.focus = tray;
    draw();
    tell();
  }

  let dragged = false;
  function lift(event, tray) {
    dragged = false;
    if (event.pointerType === "touch" || event.button) return; // a finger scrolls, and taps two trays instead
    const row = rows[tray], startY = event.clientY;
    let over = tray;
    row.setPointerCapture(event.pointerId);
    const move = (e) => {
      const dy = e.clientY - startY;
      if (!dragged && Math.abs(dy) < 6) return;
      if (!dragged) {
        dragged = true;
        trays.style.cursor = "grabbing";
        const y = 3 + tray * pitch, scale = (right - left) / PAGE;
        put(ghost, laid(tray, now.size, { x: left, y, height: deep, scale }));
        set(ghost.querySelector(".bed"), { x: left, y: y - 1, width: right - left, height: deep + 2 });
        set(ghost.querySelector(".edge"), { x: left - 1, y: y - 2, width: right - left + 2, height: deep + 4 });
        set(ghost, { visibility: "visible" });
      }
      over = clamp(tray + Math.round(dy / pitch), 0, FACTS[now.size].trays - 1);
      const snap = Math.abs(dy - (over - tray) * pitch) < pitch * 0.3 ? (over - tray) * pitch : dy;
      set(ghost, { transform: `translate(0 ${snap - (over === tray ? 0 : deep * 0.45)})` });
      if (over !== tray && (now.chosen[0] !== over || now.chosen[1] !== tray)) { now.chosen = [over, tray]; draw(); tell(); }
    };
    const end = () => { row.removeEventListener("pointermove", move); set(ghost, { visibility: "hidden" }); trays.style.cursor = ""; };
    row.addEventListener("pointermove", move);
    row.addEventListener("lostpointercapture", end, { once: true });
  }

  // --- two trays, one over the other -----------------------------------------------------------------------------
  const hatch = svg("pattern", { id: `${id}-gap`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, svg("rect", { width: 2.4, height: 6, fill: "var(--hv-to-other)" }));
  const upper = svg("g", {}, ...layers()), lower = svg("g", {}, ...layers()), between = svg("g"), names = svg("g");
  pair.append(svg("defs", {}, hatch), svg("rect", { class: "bed b1" }), svg("rect", { class: "bed b2" }), upper, lower, between, names);

  function drawPair() {
    const [a, b] = now.chosen, both = b !== undefined, size = now.size, { cut } = FACTS[size];
    find("output.a").textContent = a ?? "…";
    find("output.b").textContent = b ?? "…";
    const to = narrow ? 384 : 768, scale = (right - left) / to, tall = 28, top = 2, low = 62, height = low + tall + 2;
    set(pair, { height, viewBox: `0 0 ${width} ${height}` });
    const where = { x: left, height: tall, scale, from: 0, to };
    const empty = { plain: "", own: "", first: "", across: "", torn: "" };
    put(upper, both ? laid(b, size, { ...where, y: top }) : empty);
    put(lower, a === undefined ? empty : laid(a, size, { ...where, y: low }));
    set(pair.querySelector(".b1"), { x: left, y: top - 1, width: both ? right - left : 0, height: tall + 2 });
    set(pair.querySelector(".b2"), { x: left, y: low - 1, width: a === undefined ? 0 : right - left, height: tall + 2 });
    between.replaceChildren();
    names.replaceChildren();
    const name = (tray, y) => {
      if (tray === undefined) return;
      names.append(svg("text", { x: 0, y: y + 18, "font-weight": 700 }, (narrow ? "" : "tray ") + tray));
      for (let i = Math.floor((tray * PAGE) / size); ; i++) {
        const at = Math.max(0, i * size - tray * PAGE), end = Math.min(to, (i + 1) * size - tray * PAGE);
        if (at >= to) break;
        if ((end - at) * scale > (narrow ? 27 : 32)) names.append(svg("text", { x: left + ((at + end) / 2) * scale, y: y + 18.5, "text-anchor": "middle", class: `on${kind(i)}` }, String(i)));
      }
    };
    name(b, top);
    name(a, low);
    const bare = (y, text) => names.append(svg("rect", { class: "bare", x: left, y: y - 1, width: right - left, height: tall + 2, rx: 3 }), svg("text", { class: "quiet", x: left + 10, y: y + 18.5 }, text));
    if (!both) bare(top, a === undefined ? data.words.choose : data.words.lay);
    if (a === undefined) bare(low, "");
    if (both) {
      const mid = top + tall + 1, end = low - 1, alike = cut[a] === cut[b];
      for (let at = Math.min(cut[a], cut[b]) - size; at <= to; at += size) {
        const off = Math.abs(cut[a] - cut[b]), x = left + at * scale, x2 = left + (at + off) * scale;
        if (alike) { if (x >= left - 0.5 && x <= right + 0.5) between.append(svg("line", { class: "cut", x1: x, x2: x, y1: mid, y2: end })); continue; }
        const l = clamp(x, left, right), r = clamp(x2, left, right);
        if (r - l > 0.3) between.append(svg("rect", { class: "gap", fill: `url(#${id}-gap)`, x: l, y: mid, width: r - l, height: end - mid }));
      }
      if (alike && Math.min(a, b) === 0) between.append(svg("rect", { class: "gap", fill: `url(#${id}-gap)`, x: left, y: mid, width: size * scale, height: end - mid }),
        svg("text", { x: left + size * scale + 8, y: (mid + end) / 2 + 5, class: "verdict over" }, data.words.differ));
    }
    const word = !both ? "choose another tray" : cut[a] === cut[b] ? "cut alike" : `cut ${Math.abs(cut[a] - cut[b])} bytes apart`;
    set(pair, { "aria-label": both ? `Tray ${b} over tray ${a}: ${word}` : word });
  }

  // --- the sentence ----------------------------------------------------------------------------------------------
  function tell() {
    const { size } = now, facts = FACTS[size], [a, b] = now.chosen, says = [facts.says];
    if (b === undefined) return say([...says, a === undefined ? data.words.two : write(data.words.another, { a })].join(" "), "");
    const alike = facts.cut[a] === facts.cut[b], head = Math.min(a, b) === 0, apart = Math.abs(facts.cut[a] - facts.cut[b]);
    says.push(write(data.words[!alike ? "apart" : head ? "head" : facts.obstacle ? "alike" : "free"], { a, b, apart }));
    if (facts.obstacle) says.push(facts.obstacle);
    say(says.join(" "), alike && !head ? (facts.obstacle ? "" : "good") : "bad");
  }

  function draw() { drawBrick(); drawTrays(); drawPair(); }
  function measure() {
    const w = Math.floor(root.clientWidth);
    if (!w || w === width) return;
    width = w;
    narrow = w < 500;
    left = narrow ? 38 : 74;
    right = width - (narrow ? 44 : 52);
    pitch = narrow ? 30 : 28;
    deep = narrow ? 20 : 19;
    perByte = (width - 18) / HIGH;
    set(brick, { height: 106, viewBox: `0 0 ${width} 106` });
    draw();
  }
  const seen = new ResizeObserver(measure);
  seen.observe(root);
  measure();
  tell();
  return () => { seen.disconnect(); stopGlide(); };
}
