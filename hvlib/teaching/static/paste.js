// A box for text about a host: sends what stands in it, shows what Python makes of it. Knows no words of its own.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}


/**
 * Puts a box into `el`. `data` has its words; `link` is how it talks to the rest: text() now, send(text), said() now,
 * listen(f) for what changes. Returns what takes it down.
 */
export function mount({ el, data, link }) {
  const id = `hv-paste${(globalThis.hvMounted = (globalThis.hvMounted ?? 0) + 1)}`;
  const label = make("label", { for: id }, data.label);
  const text = make("textarea", { id, rows: "12", spellcheck: "false", autocomplete: "off", autocapitalize: "off",
    wrap: "off", "data-lm-suppress-shortcuts": "true", "aria-describedby": `${id}-here` });
  const read = make("button", { type: "button" }, data.read), clear = make("button", { type: "button" }, data.clear);
  const here = make("span", { id: `${id}-here`, class: "hv-here" }, data.here);
  const said = make("pre", { class: "hv-said", tabindex: "0", role: "status" });
  el.classList.add("hv-paste");
  el.replaceChildren(label, text, make("div", { class: "hv-row" }, read, clear, here), said);
  const show = () => {
    const { words, understood } = link.said();
    said.textContent = words;
    said.classList.toggle("hv-sentence", !understood);
    el.removeAttribute("aria-busy");
  };
  const send = () => {
    if (text.value === link.text()) return show();
    el.setAttribute("aria-busy", "true");
    said.textContent = data.waiting;
    link.send(text.value);
  };
  text.value = link.text();
  read.addEventListener("click", send);
  clear.addEventListener("click", () => { text.value = ""; text.focus(); });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); event.stopPropagation(); send(); }
  });
  show();
  return link.listen(show, () => { text.value = link.text(); });
}

function render({ model, el }) {
  return mount({ el, data: model.get("data"), link: {
    text: () => model.get("text"),
    said: () => model.get("said"),
    send: (text) => { model.set("text", text); model.save_changes(); },
    listen: (show, retype) => {
      model.on("change:said", show);
      model.on("change:text", retype);
      return () => { model.off("change:said", show); model.off("change:text", retype); };
    },
  } });
}
export default { render };
