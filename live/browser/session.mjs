// A page's session: Python in a worker (worker.mjs), cells in their order, what they show, and the editor.
import { Widgets } from "./widgets.mjs";

export function open({ cells, bar, make, here, name, changed }) {
  let worker = null, ready = null, ending = null, busy = Promise.resolve(), running = null, asked = null, epoch = 0;
  const editors = new Map(), clock = {};
  const widgets = new Widgets(make, (message) => worker?.postMessage(message));
  /** For everybody in the bar, and for eyes beside the button that was pressed. */
  const say = (text) => {
    bar.textContent = text;
    for (const cell of cells) if (cell.note) cell.note.textContent = cell === asked ? text : "";
  };
  const tell = () => changed({ running: running ?? (worker && !clock.ready ? asked ?? cells[0] : null), touched: Boolean(worker || editors.size || cells.some((cell) => cell.live)) });

  // --- Python ---------------------------------------------------------------------------------------------------------
  function begin() {
    if (ready) return ready;
    say("Starting Python …");
    clock.asked = performance.now();
    clock.ready = 0;
    const mine = (worker = new Worker(new URL("worker.mjs", here), { type: "module" }));
    ready = new Promise((done) => {
      mine.onmessage = ({ data: { kind, data } }) => {
        if (mine !== worker) return;
        if (kind === "loading") say(`Starting Python: ${(data.got / 1e6).toFixed(1)} of ${(data.all / 1e6).toFixed(1)} MB`);
        else if (kind === "ready") {
          Object.assign(clock, { ready: performance.now() - clock.asked, laps: data.laps, heap: data.heap });
          say(data.sentence);
          tell();
          done();
        } else if (kind === "dead") died(data);
        else if (kind === "comm") widgets.received(data);
        else if (kind === "done") { clock.heap = data.heap; ending?.(data.well); }
        else shown(kind, data);
      };
      mine.onerror = (event) => { if (mine === worker) died(event.message || "its files did not come"); };
      mine.postMessage({ do: "start" });
    });
    tell();
    return ready;
  }

  function end() {
    epoch += 1;
    worker?.terminate();
    worker = ready = null;
    widgets.clear();
    for (const cell of cells) { cell.ran = false; cell.el.classList.remove("hv-live-running"); }
    ending?.(false);
    ending = running = null;
    busy = Promise.resolve();
    tell();
  }

  function died(why) {
    const started = clock.ready > 0;
    console.warn(why);
    end();
    if (started) begin().then(() => say("Python stopped and was started again. What the cells had made is gone: run them again."));
    else say("Python could not be started here. Run a cell to try again.");
  }

  // --- cells ----------------------------------------------------------------------------------------------------------
  const text = (cell) => editors.get(cell)?.text() ?? cell.text();

  async function one(cell) {
    const mine = epoch;
    await begin();
    if (mine !== epoch) return false;
    running = cell;
    const box = (cell.next = make("div", { class: "hv-live-output" }));
    cell.said = [];
    cell.el.classList.add("hv-live-running");
    say(`Running cell ${cell.number + 1} …`);
    tell();
    const begun = performance.now(), now = text(cell);
    const well = await new Promise((resolve) => {
      ending = resolve;
      worker.postMessage({ do: "run", number: cell.number, code: now });
    });
    if (mine !== epoch) return false;
    ending = running = null;
    cell.ms = performance.now() - begun;
    cell.el.classList.remove("hv-live-running");
    put(cell, box);
    cell.ran = well && text(cell) === now;
    say(well ? `Cell ${cell.number + 1} has run.` : `Cell ${cell.number + 1} ended with an error; it stands below the cell.`);
    tell();
    return well;
  }

  /** What was published makes room, out of the document, until the page is reset; what stands there already stays. */
  function put(cell, box) {
    if (cell.live === box) return; // else its own views would end, and what is being typed would lose the focus
    let out = cell.el.querySelector(".cell_output");
    if (!out) cell.el.append((out = make("div", { class: "cell_output docutils container" })));
    widgets.left(cell.live);
    out.replaceChildren((cell.live = box));
  }

  const inTurn = (work) => {
    const mine = epoch;
    return (busy = busy.catch(() => false).then(() => (mine === epoch ? work() : false))); // one that failed keeps nobody waiting
  };
  /** A cell, and first those above it that have not run as they stand: no name is missing then. */
  const upTo = (cell) => inTurn(async () => {
    asked = cell;
    for (const earlier of cells.slice(0, cell.number)) if (!earlier.ran && !(await one(earlier))) return false;
    return one(cell);
  });
  const all = () => inTurn(async () => {
    asked = null;
    for (const cell of cells) if (!(await one(cell))) return false;
    say("All cells of this page have run.");
    return true;
  });

  function stop() {
    end();
    say("Stopped. What the cells had made is gone: run a cell to start again.");
  }

  function reset() {
    end();
    for (const cell of cells) {
      editors.get(cell)?.close();
      if (cell.live) {
        const out = cell.el.querySelector(".cell_output");
        if (cell.shown) out.replaceChildren(...cell.shown);
        else out.remove();
      }
      cell.live = cell.said = null;
    }
    editors.clear();
    asked = null;
    say("The page is as it was published.");
    tell();
  }

  async function edit(cell) {
    if (!worker) asked = cell;
    const started = begin();
    if (editors.has(cell)) return editors.get(cell).focus();
    const module = await import(new URL("editor.mjs", here)).catch((why) => {
      started.then(() => say(`The editor could not be loaded (${why.message}).`)); // else what Python says would cover it
    });
    if (!module || editors.has(cell)) return;
    const code = cell.input.querySelector("[class*=highlight-]"), place = make("div", { class: "hv-live-editor" });
    place.addEventListener("keydown", (event) => event.stopPropagation()); // "/" would open the search
    code.replaceWith(place);
    const made = module.editor(place, {
      text: cell.published, label: `Python of cell ${cell.number + 1}. Shift and Enter run it; Tab leaves it.`,
      run: () => upTo(cell), changed: () => { cell.ran = false; },
    });
    editors.set(cell, { ...made, close: () => { made.close(); place.replaceWith(code); } });
    made.focus();
    tell();
  }

  // --- what a cell shows --------------------------------------------------------------------------------------------------
  const lines = (kind, said) => make("div", { class: `output ${kind} notranslate`, "data-kind": kind }, make("div", { class: "highlight" }, make("pre", { tabindex: 0 }, said)));

  function shown(kind, data) {
    const cell = running;
    if (!cell) return;
    cell.said.push([kind, data]);
    const last = cell.next.lastElementChild;
    if (kind === "stream") {
      const of = `stream ${data.name}`;
      if (last?.dataset.kind === of) last.querySelector("pre").append(data.text);
      else cell.next.append(lines(of, data.text));
    } else if (kind === "error") cell.next.append(lines("traceback", data.traceback));
    else cell.next.append(bundle(data));
    if (!cell.next.isConnected) put(cell, cell.next);
  }

  function bundle(data) {
    const view = data["application/vnd.jupyter.widget-view+json"], state = data["application/vnd.hvlib.v1+json"];
    const box = make("div", { class: "output text_html" });
    if (view) box.append(widgets.view(view.model_id));
    else if (data["image/svg+xml"]) {
      const figure = make("figure", { class: "hv-figure", tabindex: 0 });
      const drawing = data["image/svg+xml"], upright = data["application/vnd.hvlib.upright.v1+svg"];
      figure.innerHTML = upright ? `<div class="hv-wide">${drawing}</div><div class="hv-upright">${upright}</div>` : drawing;
      const caption = state?.caption ?? data["text/plain"].split("\n")[0];
      figure.append(make("figcaption", {}, caption));
      box.append(figure);
    } else if (data["text/html"]) box.innerHTML = data["text/html"];
    else return lines("text_plain", data["text/plain"]);
    return box;
  }

  return { upTo, all, stop, reset, edit, clock, text, kill: (why) => died(why) };
}
