// pfn_to_page by hand: three marks on three strips, each a zoom into one box of the strip above; together they are an
// address. What one step of each is worth, and where a target stands, the engine says.
export function walk({ el, data }) {
  const { parts, targets, base, words } = data, now = { at: parts.map(() => 0), target: 0, won: new Set() };
  const root = make("figure", { class: "walk", role: "group", "aria-label": data.title });
  const wanted = make("p", { class: "wanted" }), land = svg("svg", { class: "land" }), says = make("p", { class: "hv-says" }), spoken = make("div", { class: "hv-spoken", role: "status" });
  const other = make("button", { type: "button" }, words.other), reset = make("button", { type: "button" }, words.reset);
  const nudges = parts.map((part, i) => [-1, 1].map((by) => {
    const button = make("button", { type: "button", "aria-label": `${part.name} ${by > 0 ? "+" : "−"}1` }, by > 0 ? "+" : "−");
    button.addEventListener("click", () => go(i, now.at[i] + by));
    return button;
  }));
  const rows = make("div", { class: "nudges" }, ...nudges.map(([less, more], i) => make("span", {}, less, " ", parts[i].name, " ", more)));
  root.append(wanted, land, rows, says, make("div", { class: "hv-buttons" }, other, reset), spoken);
  el.append(root);
  const say = voice(says, spoken), HIGH = 42, PITCH = 92, TOP = 26;
  const strips = parts.map((part, i) => {
    const mark = svg("g", { class: "mark", role: "slider", tabindex: 0, "aria-label": part.name, "aria-valuemin": 0, "aria-valuemax": part.count - 1, "data-lm-suppress-shortcuts": "true" },
      svg("rect", { class: "reach" }), svg("rect", { class: "ring", rx: 5 }), svg("rect", { class: "box", rx: 2 }), svg("text", {}));
    const g = svg("g", { class: "strip" }, svg("text", { class: "name" }), svg("rect", { class: "bed" }), svg("path", { class: "cuts" }), svg("path", { class: "zoom" }), mark);
    held(mark, (event) => follow(i, event));
    g.querySelector(".bed").addEventListener("pointerdown", (event) => { if (!event.button) follow(i, event); });
    mark.addEventListener("keydown", (event) => {
      const to = keyed(event, now.at[i], { page: part.page, low: 0, high: part.count - 1 });
      if (to === undefined) return;
      event.preventDefault();
      go(i, to);
    });
    land.append(g);
    return { g, mark };
  });
  let width = 0;

  const sum = (units) => now.at.reduce((total, n, i) => total + n * parts[i][units], 0);
  const hex = (value) => `0x${value.toString(16)}`;

  function go(i, to) {
    now.at[i] = clamp(to, 0, parts[i].count - 1);
    draw();
    tell();
  }
  function follow(i, event) {
    const { left } = land.getBoundingClientRect();
    go(i, Math.floor(((event.clientX - left) / width) * parts[i].count));
  }

  function draw() {
    if (!width) return;
    set(land, { viewBox: `0 0 ${width} ${TOP + 3 * PITCH - 30}`, height: TOP + 3 * PITCH - 30 });
    strips.forEach(({ g, mark }, i) => {
      const part = parts[i], y = TOP + i * PITCH, pitch = width / part.count, wide = Math.max(pitch, 6), x = clamp(now.at[i] * pitch + pitch / 2 - wide / 2, 0, width - wide);
      set(g.querySelector(".name"), { x: i ? 8 : 0, y: y - 13 });
      g.querySelector(".name").textContent = width < 500 ? `${part.name} of ${part.count}` : `${part.name} of ${part.count}: ${part.worth}`;
      set(g.querySelector(".bed"), { x: 0, y, width, height: HIGH });
      set(g.querySelector(".cuts"), { d: pitch < 4 ? "" : Array.from({ length: part.count - 1 }, (_, n) => `M${(n + 1) * pitch} ${y}v${HIGH}`).join("") });
      set(g.querySelector(".zoom"), { d: i === parts.length - 1 ? "" : `M${x} ${y + HIGH + 4}L0 ${y + PITCH - 28}V${y + PITCH}M${x + wide} ${y + HIGH + 4}L${width} ${y + PITCH - 28}V${y + PITCH}` /* around the name */ });
      set(mark.querySelector(".box"), { x, y: y - 4, width: wide, height: HIGH + 8 });
      set(mark.querySelector(".reach"), { x: x + wide / 2 - 22, y: y - 8, width: 44, height: HIGH + 16 });
      set(mark.querySelector(".ring"), { x: x - 4, y: y - 8, width: wide + 8, height: HIGH + 16 });
      const text = mark.querySelector("text");
      text.textContent = now.at[i];
      const far = wide / 2 + 8 + text.getComputedTextLength() / 2, beside = x + wide + 2 * far < width ? far : -far; // and not over the mark
      set(text, { x: x + wide / 2 + beside, y: y + HIGH / 2 + 4.5 });
      set(mark, { "aria-valuenow": now.at[i], "aria-valuetext": `${part.name} ${now.at[i]}` });
    });
  }

  function tell() {
    const target = targets[now.target], pfn = sum("frames"), address = hex(BigInt(base) + BigInt(sum("bytes"))), found = pfn === target.pfn;
    if (found) now.won.add(now.target);
    wanted.innerHTML = write(words.wanted, { pfn: hex(target.pfn), won: now.won.size, of: targets.length });
    const apart = Math.abs(target.pfn - pfn).toLocaleString("en-US");
    const [leaf, page, slot] = now.at;
    say(write(found ? words.found : words.missed, { address, pfn: hex(pfn), wanted: hex(target.pfn), apart, way: pfn < target.pfn ? words.up : words.down, leaf, page, slot, base }), found ? "good" : "");
  }
  other.addEventListener("click", () => { now.target = (now.target + 1) % targets.length; tell(); });
  reset.addEventListener("click", () => { now.at = parts.map(() => 0); draw(); tell(); });
  const seen = new ResizeObserver(() => {
    const wide = Math.floor(root.clientWidth);
    if (wide && wide !== width) { width = wide; draw(); }
  });
  seen.observe(root);
  width = Math.floor(root.clientWidth);
  draw();
  tell();
  return () => seen.disconnect();
}
