// Widgets of ipywidgets and anywidget on a page: models by id, and the few views that the book's own widgets are made
// of. Any anywidget works; of ipywidgets' own, those in VIEWS. (Its html-manager would be larger than all of this page.)

export class Widgets {
  constructor(make, send) {
    this.make = make;
    this.send = send;
    this.models = new Map();
    this.modules = new Map();
    this.left_behind = new WeakMap();
  }

  clear() { this.models.clear(); }

  /** A message of Python's: a model opens, changes, says something of its own, or closes. */
  received({ type, id, data, buffers }) {
    if (type === "comm_open") this.models.set(id, new Model(id, put(data.state, data.buffer_paths, buffers), this.send));
    const model = this.models.get(id);
    if (!model || type === "comm_open") return;
    if (type === "comm_close") this.models.delete(id);
    else if (data.method === "update") model.follow(put(data.state, data.buffer_paths, buffers));
    else if (data.method === "custom") model.tell("msg:custom", data.content, buffers || []);
  }

  named(reference) { return this.models.get(String(reference).replace("IPY_MODEL_", "")); }

  view(id) {
    const model = this.named(id);
    if (!model) return this.make("p", {}, "This widget has gone with the Python that made it; run its cell again.");
    const show = VIEWS[model.get("_view_name")];
    const element = show ? show(this, model) : this.make("p", {}, `${model.get("_model_name")} can be shown by JupyterLab; open this page as a notebook.`);
    const layout = this.named(model.get("layout"));
    for (const name of ["width", "min_height", "flex_flow", "max_width"])
      if (layout?.get(name)) element.style[name.replace(/_(.)/, (_, letter) => letter.toUpperCase())] = layout.get(name);
    return element;
  }

  /** The ES module of an anywidget; one for all widgets that have the same. */
  module(text) {
    if (!this.modules.has(text)) {
      const url = /^https?:\/\//.test(text) ? text : URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      this.modules.set(text, import(url).then((found) => (typeof found.default === "function" ? found.default() : found.default ?? found)));
    }
    return this.modules.get(text);
  }

  /** An output leaves the page: its views end what they began. */
  left(element) {
    for (const one of element?.querySelectorAll("[data-widget]") ?? []) this.left_behind.get(one)?.();
  }
}

/** State with its binary values in their places. */
function put(state, paths = [], buffers = []) {
  (paths || []).forEach((path, n) => {
    const last = path.at(-1), holder = path.slice(0, -1).reduce((value, key) => value[key], state);
    holder[last] = new DataView(buffers[n].buffer ?? buffers[n]);
  });
  return state;
}

class Model {
  constructor(id, state, send) {
    Object.assign(this, { id, state, post: send, listeners: new Map(), changed: {} });
    this.model_id = id;
  }

  get(name) { return this.state[name]; }

  set(name, value) {
    if (typeof name === "object") return Object.entries(name).forEach(([one, its]) => this.set(one, its));
    if (this.state[name] === value) return;
    this.state[name] = this.changed[name] = value;
    this.tell(`change:${name}`, this, value);
    this.tell("change", this);
  }

  follow(state) {
    const news = Object.entries(state).filter(([name, value]) => JSON.stringify(this.state[name]) !== JSON.stringify(value) || value instanceof DataView);
    for (const [name, value] of news) this.state[name] = value;
    for (const [name, value] of news) this.tell(`change:${name}`, this, value);
    if (news.length) this.tell("change", this);
  }

  save_changes() {
    const state = this.changed;
    this.changed = {};
    if (Object.keys(state).length) this.post({ do: "comm", id: this.id, data: { method: "update", state, buffer_paths: [] } });
  }

  send(content, _, buffers = []) { this.post({ do: "comm", id: this.id, data: { method: "custom", content }, buffers }); }
  tell(event, ...values) { for (const f of [...(this.listeners.get(event) ?? [])]) f(...values); }
  on(event, f) { for (const one of event.split(" ")) this.listeners.set(one, [...(this.listeners.get(one) ?? []), f]); }
  off(event, f) {
    if (!event) return this.listeners.clear();
    for (const one of event.split(" ")) this.listeners.set(one, f ? (this.listeners.get(one) ?? []).filter((other) => other !== f) : []);
  }
}

function anywidget(widgets, model) {
  const outer = widgets.make("div", { "data-widget": model.id }), el = widgets.make("div");
  if (model.get("_css")) outer.append(widgets.make("style", {}, model.get("_css")));
  outer.append(el);
  const ends = [], ended = new AbortController();
  const experimental = { invoke: () => Promise.reject(new Error("invoke is not known on a page")) };
  widgets.left_behind.set(outer, () => { ended.abort(); ends.forEach((end) => end?.()); });
  widgets.module(model.get("_esm")).then(async (module) => {
    if (!model.begun) { model.begun = true; await module.initialize?.({ model, experimental, signal: ended.signal }); }
    ends.push(await module.render?.({ model, el, experimental, signal: ended.signal }));
    for (const wide of el.querySelectorAll(".hv-picture")) wide.tabIndex = 0; // on a narrow screen it scrolls, by keyboard too
  }).catch((why) => { el.textContent = `The widget cannot be shown: ${why.message}`; console.warn(why); });
  return outer;
}

function box(widgets, model) {
  const element = widgets.make("div", { class: "hv-live-box" });
  element.style.flexFlow = model.get("_view_name") === "VBoxView" ? "column" : "row";
  element.append(...model.get("children").map((one) => widgets.view(one)));
  return element;
}

/** A control that holds a trait of the model, both ways. */
function bound(widgets, model, control, trait, { read, write }, event = "change") {
  const follow = () => write(model.get(trait));
  model.on(`change:${trait}`, follow);
  follow();
  control.addEventListener(event, () => { model.set(trait, read()); model.save_changes(); });
  return control;
}

const labelled = (widgets, model, control) => widgets.make("label", { class: "hv-live-field" }, widgets.make("span", {}, model.get("description") || ""), control);

function text(widgets, model) {
  const area = model.get("_view_name") === "TextareaView", attributes = { placeholder: model.get("placeholder") || "", spellcheck: "false" };
  const control = area ? widgets.make("textarea", { rows: model.get("rows") || 6, ...attributes }) : widgets.make("input", { type: "text", ...attributes });
  return labelled(widgets, model, bound(widgets, model, control, "value", { read: () => control.value, write: (value) => { control.value = value; } }));
}

const VIEWS = {
  AnyView: anywidget,
  VBoxView: box, HBoxView: box, BoxView: box,
  HTMLView(widgets, model) {
    const element = widgets.make("div");
    return bound(widgets, model, element, "value", { read: () => model.get("value"), write: (value) => { element.innerHTML = value; } }, "none");
  },
  TextView: text, TextareaView: text,
  DropdownView(widgets, model) {
    const control = widgets.make("select", {}, ...model.get("_options_labels").map((label) => widgets.make("option", {}, label)));
    return labelled(widgets, model, bound(widgets, model, control, "index", { read: () => control.selectedIndex, write: (at) => { control.selectedIndex = at ?? -1; } }));
  },
  RadioButtonsView(widgets, model) {
    const { make } = widgets, group = make("div", { role: "radiogroup", "aria-label": model.get("description") || "Options" });
    const inputs = model.get("_options_labels").map((label) => {
      const input = make("input", { type: "radio", name: `radio-${model.id}` });
      group.append(make("label", { class: "hv-live-field" }, input, make("span", {}, label)));
      return input;
    });
    return bound(widgets, model, group, "index", {
      read: () => inputs.findIndex((input) => input.checked), write: (at) => inputs.forEach((input, n) => { input.checked = n === at; }),
    });
  },
  ButtonView(widgets, model) {
    const button = widgets.make("button", { type: "button" }, model.get("description"));
    button.addEventListener("click", () => model.send({ event: "click" }));
    return button;
  },
};
