// The worker of a page: Pyodide, and kernel.py in it. Everything that it loads stands beside this file.
const here = new URL(".", import.meta.url);
const told = (kind, data) => postMessage({ kind, data });

// Static hosts differ in what they compress, so what is worth it is stored compressed, and unpacked here as it comes.
const plainFetch = self.fetch.bind(self);
let plan, got = 0;
self.fetch = async (target, options) => {
  const url = new URL(target instanceof Request ? target.url : target, here), name = url.pathname.slice(here.pathname.length);
  const packed = plan.packed.includes(name);
  const answer = await plainFetch(packed ? `${url.href}.packed` : url.href, options);
  if (!answer.ok || !packed) return answer;
  const counted = new TransformStream({ transform(chunk, out) { got += chunk.byteLength; told("loading", { got, all: plan.bytes }); out.enqueue(chunk); } });
  const body = answer.body.pipeThrough(counted).pipeThrough(new DecompressionStream("gzip"));
  return new Response(body, { headers: { "content-type": name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream" } });
};

const laps = {}, begun = performance.now();
const lap = (name) => { laps[name] = Math.round(performance.now() - begun); };
let python, kernel;
const heap = () => python._module?.HEAPU8?.length;

async function start() {
  plan = await (await plainFetch(new URL("plan.json", here))).json();
  const archive = self.fetch(new URL("engine.tar", here)).then((answer) => answer.arrayBuffer());
  const { loadPyodide } = await import(new URL("pyodide.mjs", here));
  python = await loadPyodide({ indexURL: here.href, lockFileContents: plan.lock, packages: [], env: plan.env, fullStdLib: false });
  lap("pyodide");
  const site = python.runPython("import site; site.getsitepackages()[0]");
  python.unpackArchive(new Uint8Array(await archive), "tar", { extractDir: site });
  lap("unpacked");
  kernel = python.pyimport("kernel");
  kernel.outlet = (kind, text, buffers) => {
    const data = JSON.parse(text);
    if (buffers.length) data.buffers = buffers.toJs();
    buffers.destroy();
    told(kind, data);
  };
  lap("kernel");
  told("ready", { laps, sentence: kernel.sentence(), heap: heap() });
}

// What kills Python itself is no promise of a cell's: a trap of WebAssembly, or its stack.
for (const event of ["error", "unhandledrejection"])
  self.addEventListener(event, (found) => {
    const why = found.reason ?? found.error;
    if (!(why instanceof WebAssembly.RuntimeError || why instanceof RangeError || why?.pyodide_fatal_error)) return;
    found.preventDefault();
    told("dead", String(why.stack || why).slice(0, 2000));
  });

let turn = null;
onmessage = ({ data }) => {
  turn = (turn ?? start()).then(async () => {
    if (data.do === "comm") kernel.received(data.id, JSON.stringify(data.data), python.toPy(data.buffers ?? []));
    if (data.do === "run") told("done", { well: await kernel.run(data.number, data.code), heap: heap() });
  });
  turn.catch((why) => told("dead", String(why.stack || why).slice(0, 2000)));
};
