// Flushes, counted and drawn: each is an interrupt to every other processor, and two of them show what their TLBs hold
// just before. Which flush comes when, after what, and what is remembered then, the engine says.
export function flushes({ el, data, id }) {
  const { runs, processors, words } = data, now = { ...data.start, way: Object.keys(data.words.ways)[0], at: 0 };
  const seg = (name, legend, options) => make("fieldset", {}, make("legend", {}, legend), make("span", { class: "seg" }, ...options.map(([value, text]) =>
    make("label", {}, make("input", { type: "radio", name: `${id}-${name}`, "data-name": name, value, ...(now[name] === value ? { checked: "" } : {}) }), text))));
  const land = svg("svg", { class: "land", role: "img" }), says = make("p", { class: "hv-says" }), spoken = make("div", { class: "hv-spoken", role: "status" });
  const slider = make("input", { type: "range", id: `${id}-at`, min: 0, step: 1, "data-lm-suppress-shortcuts": "true" }), out = make("output", { for: `${id}-at` });
  const playing = make("button", { type: "button" }, words.play), step = make("button", { type: "button" }, words.step);
  const root = make("figure", { class: "flushes", role: "group", "aria-label": data.title },
    make("div", { class: "row" }, seg("count", words.count, Object.keys(runs).map((n) => [n, n])), seg("way", words.way, Object.entries(words.ways)), seg("cpus", words.cpus, Object.keys(processors).map((n) => [n, n]))),
    make("div", { class: "row hv-slide" }, make("label", { for: `${id}-at` }, words.at), slider, out, step, playing), land, says, spoken);
  el.append(root);
  const say = voice(says, spoken), run = () => runs[now.count][now.way], grouped = (n) => n.toLocaleString("en-US");
  let width = 0, beating = 0;

  const text = (x, y, value, name = "") => svg("text", { x, y, class: name }, String(value));
  function draw() {
    if (!width) return;
    const all = run(), one = now.at ? all.flushes[now.at - 1] : null, small = width < 500, others = processors[now.cpus], many = Number(now.cpus);
    const wired = many <= 20, wide = small ? width : width * 0.46, side = wired ? 34 : small ? 11 : 13, gap = wired ? 10 : 3, down = wired ? 14 : gap, begin = wired ? side + 24 : 0, boxes = wired ? others : many;
    const fit = Math.max(1, Math.floor((wide - begin + gap) / (side + gap))), lines = Math.ceil(boxes / fit), columns = Math.ceil(boxes / lines);
    const top = wired ? 36 : 26, grid = Math.max(lines * (side + down) - down, small ? 0 : 106), left = small ? 0 : width * 0.52, cards = small ? top + grid + 34 : 0, row = 30, card = small ? width : width - left;
    const shapes = [text(0, 14, write(words.processors, { n: now.cpus }), "strong")];
    const at = (i) => {
      if (wired && !i) return [0, top];
      const place = wired ? i - 1 : i;
      return [begin + (place % columns) * (side + gap), top + Math.floor(place / columns) * (side + down)];
    };
    for (let i = 1; one && wired && i < many; i++) { // between the boxes, a branch for each
      const trunk = side + 12, [x, y] = at(i), to = x + side / 2;
      shapes.push(svg("path", { class: "ipi", d: `M${side} ${top + side / 2}H${trunk}V${y - 8}H${to}V${y - 2}` }), svg("path", { class: "ipitip", d: `M${to} ${y}l-3 -5h6z` }));
    }
    for (let i = 0; i < many; i++) {
      const [x, y] = at(i);
      shapes.push(svg("rect", { x, y, width: side, height: side, rx: 2, class: `cpu${i ? "" : " sender"}${one ? " told" : ""}` }));
      if (wired) shapes.push(text(x + side / 2, y + side / 2 + 4.5, i, `mid${one ? " told" : ""}`));
    }
    const done = one ? one.done : 0, bar = small ? cards + 2 * (26 + 4 * row) + 26 : top + grid + 40;
    [0, 1].forEach((cpu) => {
      const x = small ? 0 : left + cpu * (card / 2), w = small ? card : card / 2 - 10, y = small ? cards + cpu * (26 + 4 * row) : 0;
      shapes.push(text(x, y + 14, write(words.tlb, { cpu }), "strong"));
      for (let k = 0; k < 4; k++) {
        const line = one?.lines[cpu][k], yy = y + 22 + k * row;
        shapes.push(svg("rect", { x, y: yy, width: w, height: row - 5, rx: 3, class: `line${line ? (line[2] & 1 ? " stale" : line[2] & 2 ? " huge" : "") : " none"}` }));
        if (line) shapes.push(text(x + 8, yy + 17, line[2] & 2 ? words.leaf : write(line[1] === null ? words.elsewhere : words.leads, { page: grouped(line[0]), frame: line[1] === null ? "" : grouped(line[1]) }), line[2] & 1 ? "old" : "on"));
        if (line) shapes.push(svg("line", { class: "gone", x1: x + 4, x2: x + w - 4, y1: yy + (row - 5) / 2, y2: yy + (row - 5) / 2 }));
      }
    });
    shapes.push(text(0, bar - 8, write(words.done, { done, of: now.count }), ""), svg("rect", { x: 0, y: bar, width, height: 14, class: "bed" }), svg("rect", { x: 0, y: bar, width: (width * done) / Number(now.count), height: 14, class: "bar" }));
    const sums = [[words.flushes, now.at], [words.interrupts, now.at * others]];
    sums.forEach(([name, value], i) => shapes.push(text(small ? 0 : i * width * 0.5, bar + 46 + (small ? i * 30 : 0), `${name}: `, "big"), text(small ? 150 : i * width * 0.5 + 150, bar + 46 + (small ? i * 30 : 0), grouped(value), "big strong")));
    land.replaceChildren(...shapes);
    const height = bar + (small ? 92 : 62);
    set(land, { viewBox: `0 0 ${width} ${height}`, height, "aria-label": write(words.alt, { flushes: grouped(now.at), of: grouped(all.flushes.length), done, count: now.count, interrupts: grouped(now.at * others) }) });
  }
  function tell() {
    const all = run(), total = all.flushes.length, one = now.at ? all.flushes[now.at - 1] : null, others = processors[now.cpus];
    set(slider, { max: total, "aria-valuetext": `${now.at} of ${total}` });
    slider.value = now.at;
    out.textContent = `${grouped(now.at)} of ${grouped(total)}`;
    step.disabled = now.at === total;
    const stale = one ? one.lines.flat().filter((line) => line && line[2] & 1).length : 0;
    const values = { n: grouped(now.at), of: grouped(total), what: one ? words[one.what] : "", others: grouped(others), total: grouped(total * others), count: now.count, stale, way: words.ways[now.way] };
    say([write(!one ? words.before : words.flush, values), one && stale ? write(words.stale, values) : "", one && now.at === total ? write(words.end, values) : ""].filter(Boolean).join(" "), now.at === total ? "good" : "");
    draw();
  }
  function stop() {
    clearInterval(beating);
    beating = 0;
    playing.textContent = words.play;
  }
  slider.addEventListener("input", () => { stop(); now.at = Number(slider.value); tell(); });
  step.addEventListener("click", () => { stop(); now.at = Math.min(run().flushes.length, now.at + 1); tell(); });
  playing.addEventListener("click", () => {
    if (beating) return stop();
    const total = run().flushes.length, by = Math.max(1, Math.round(total / 120));
    if (now.at === total) now.at = 0;
    if (calm.matches) { now.at = total; return tell(); }
    playing.textContent = words.stop;
    beating = setInterval(() => {
      now.at = Math.min(total, now.at + by);
      tell();
      if (now.at === total) stop();
    }, total < 4 ? 900 : 40);
  });
  root.addEventListener("change", ({ target }) => {
    if (!target.dataset.name) return;
    stop();
    now[target.dataset.name] = target.value;
    if (target.dataset.name !== "cpus") now.at = 0;
    now.at = Math.min(now.at, run().flushes.length);
    tell();
  });
  const seen = new ResizeObserver(() => {
    const w = Math.floor(root.clientWidth);
    if (w && w !== width) { width = w; draw(); }
  });
  seen.observe(root);
  width = Math.floor(root.clientWidth);
  tell();
  return () => { seen.disconnect(); stop(); };
}
