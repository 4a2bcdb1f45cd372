// Guess the kernel: a page table read from a real one, entry by entry, until only one kind of kernel is left. What each
// kind leads where comes from the records; here lists are compared, and nothing is known of schemes.
export function kernels({ el, data, id }) {
  const { kinds, order, words } = data, PAGES = kinds[0].entries.length, now = { turn: 0, looked: new Set(), struck: new Set(), said: null, looks: [] };
  const root = make("figure", { class: "kernels", role: "group", "aria-label": data.title });
  const land = svg("svg", { class: "land", role: "group", "aria-label": words.table }), says = make("p", { class: "hv-says" }), spoken = make("div", { class: "hv-spoken", role: "status" });
  const buttons = make("div", { class: "hv-buttons", role: "group", "aria-label": words.which }), next = make("button", { type: "button", class: "next" }, words.next);
  root.append(land, says, make("p", { class: "hint" }, words.which), buttons, make("div", { class: "hv-buttons" }, next), spoken);
  el.append(root);
  const say = voice(says, spoken), ROW = 40, HIGH = 30, TOP = 28;
  const kind = () => kinds[order[now.turn % order.length]];
  const same = (a, b) => a.to === b.to && a.writable === b.writable;
  const against = (one) => [...now.looked].find((page) => !same(one.entries[page], kind().entries[page]));
  const possible = () => kinds.filter((one) => against(one) === undefined);
  const told = ({ to, writable }) => ({ to: words.leads[to] ?? write(words.leads.boot, { to }), writable: writable ? words.writable : words.readonly });
  const marker = svg("marker", { id: `${id}-tip`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 10, markerHeight: 10, markerUnits: "userSpaceOnUse", orient: "auto" }, svg("path", { class: "tip", d: "M0 0L8 4L0 8Z" }));
  land.append(svg("defs", {}, marker), ...["pages", "entries", "frames"].map((name) => svg("text", { class: `quiet ${name}` }, words[name])));
  const rows = Array.from({ length: PAGES }, (_, page) => {
    const g = svg("g", { class: "entry", role: "button", tabindex: 0, "data-page": page, "data-lm-suppress-shortcuts": "true" }, svg("rect", { class: "ring", rx: 6 }), svg("rect", { class: "box", rx: 3 }), svg("text", { class: "mid" }));
    const frame = svg("g", { class: "frame" }, svg("rect", { class: "box" }), svg("text", {}));
    const own = svg("g", { class: "page" }, svg("rect", { class: "box" }), svg("text", {}, String(page))), wire = svg("path", { class: "wire", "marker-end": `url(#${id}-tip)` });
    g.addEventListener("click", () => look(page));
    g.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.key === "Enter" || event.key === " ") look(page);
      else if (by && rows[page + by]) rows[page + by].g.focus();
      else return;
      event.preventDefault();
    });
    land.append(own, frame, wire, g);
    return { g, frame, own, wire };
  });
  const extra = ["new", "all"].map((to) => {
    const frame = svg("g", { class: `frame ${to}` }, svg("rect", { class: "box" }), svg("rect", { class: "inner" }), svg("text", {}, words[to]));
    land.append(frame);
    return { to, frame };
  });
  const choices = kinds.map((one) => {
    const button = make("button", { type: "button" }, one.releases);
    button.addEventListener("click", () => name(one));
    buttons.append(button);
    return { one, button };
  });
  let width = 0;

  function look(page) {
    if (now.said?.right || now.looked.has(page)) return;
    now.looked.add(page);
    now.said = null;
    draw();
    const left = possible();
    say([write(words.looked, { page, ...told(kind().entries[page]) }),
      left.length === 1 ? words.one : write(words.left, { n: left.length })].join(" "));
  }
  function name(one) {
    if (now.said?.right) return;
    const left = possible(), page = against(one);
    if (page !== undefined) {
      now.struck.add(one);
      say(write(words.cannot, { releases: one.releases, page, ...told(one.entries[page]) }), "bad");
    } else if (left.length > 1) say(write(words.early, { releases: one.releases, n: left.length }), "bad");
    else {
      now.said = { right: true };
      now.looks.push(now.looked.size);
      say(write(words.right, { releases: one.releases, looks: now.looked.size, why: one.why }), "good");
    }
    draw();
  }
  next.addEventListener("click", () => {
    now.turn += 1;
    now.looked = new Set();
    now.struck = new Set();
    now.said = null;
    draw();
    say(words.opening);
  });

  function draw() {
    if (!width) return;
    const small = width < 500, [own, table, frame] = small ? [34, 104, 96] : [136, 150, 190], left = own + (small ? 8 : 30), right = width - frame, height = TOP + (PAGES + 2) * ROW;
    const y = (row) => TOP + row * ROW, at = (to) => (to === "new" ? PAGES : to === "all" ? PAGES + 1 : Number(to));
    set(land, { viewBox: `0 0 ${width} ${height}`, height });
    set(land.querySelector(".pages"), { x: 0, y: 15, visibility: small ? "hidden" : "visible" }); // no room beside the next
    set(land.querySelector(".entries"), { x: left, y: 15 });
    set(land.querySelector(".frames"), { x: right, y: 15 });
    const put = (g, x, row, w) => {
      for (const box of g.querySelectorAll(".box")) set(box, { x, y: y(row), width: w, height: HIGH });
      for (const box of g.querySelectorAll(".inner")) set(box, { x: x + 3, y: y(row) + 3, width: w - 6, height: HIGH - 6 });
      for (const box of g.querySelectorAll(".ring")) set(box, { x: x - 4, y: y(row) - 4, width: w + 8, height: HIGH + 8 });
      const text = g.querySelector("text"), middle = text.classList.contains("mid");
      set(text, { x: middle ? x + w / 2 : x + 10, y: y(row) + HIGH / 2 + 4.5 });
    };
    const shown = [...now.looked].map((page) => kind().entries[page].to);
    rows.forEach((row, page) => {
      const seen = now.looked.has(page), entry = kind().entries[page];
      put(row.own, 0, page, own);
      put(row.g, left, page, table);
      put(row.frame, right, page, frame);
      row.own.querySelector("text").textContent = small ? page : `vmemmap page ${page}`;
      row.frame.querySelector("text").textContent = small ? `boot ${page}` : write(words.boot, { page });
      row.frame.classList.toggle("led", shown.includes(String(page)));
      row.g.classList.toggle("seen", seen);
      row.g.classList.toggle("readonly", seen && !entry.writable);
      row.g.querySelector("text").textContent = !seen ? words.ask : entry.writable ? words.writable : words.readonly;
      set(row.g, { "aria-label": write(words.label, { page, what: seen ? Object.values(told(entry)).join(", ") : words.ask }) });
      const from = left + table + 3;
      set(row.wire, { d: seen ? `M${from} ${y(page) + HIGH / 2}L${right - 4} ${y(at(entry.to)) + HIGH / 2}` : "", class: `wire${seen && entry.to !== String(page) ? " other" : ""}` });
    });
    for (const { to, frame: g } of extra) { put(g, right, at(to), frame); g.classList.toggle("led", shown.includes(to)); g.querySelector("text").textContent = small ? words[`${to} short`] : words[to]; }
    for (const { one, button } of choices) button.classList.toggle("out", now.struck.has(one));
  }
  const seen = new ResizeObserver(() => {
    const wide = Math.floor(root.clientWidth);
    if (wide && wide !== width) { width = wide; draw(); }
  });
  seen.observe(root);
  width = Math.floor(root.clientWidth);
  draw();
  say(words.opening);
  return () => seen.disconnect();
}
