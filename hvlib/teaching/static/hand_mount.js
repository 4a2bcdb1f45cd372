// Puts a hand into its place, on a page or in a notebook.
const HANDS = { bricks, masks, pfn_to_page: walk, guess_the_kernel: kernels, flushes, flushes_back: flushes };

/** Puts the hand of that name into `el`; returns what takes it down. */
export function mount({ el, name, data }) {
  const keep = (event) => { if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation(); };
  el.replaceChildren();
  el.classList.add("hv-hand");
  // JupyterLab's command mode would take the arrow keys, x, a, b and d d for the notebook
  el.addEventListener("keydown", keep);
  const end = HANDS[name]({ el, data, id: `hv-hand${(globalThis.hvMounted = (globalThis.hvMounted ?? 0) + 1)}` });
  return () => { el.removeEventListener("keydown", keep); end(); };
}

function render({ model, el }) { return mount({ el, name: model.get("name"), data: model.get("data") }); }

export default { render };
