// The cells of a page can be run: each gets Run and Edit, the page Run all, Stop and Reset. Nothing else is loaded
// before the first click; then session.mjs starts Python in a worker. Without scripts the page is what it was.
(() => {
  const here = new URL(".", document.currentScript.src);
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const place = document.querySelector(".hv-run-here");
  if (!place) return;
  if (location.protocol === "file:") {
    place.textContent = "From a file a browser starts no Python: read these pages from a server, any will do, to run their cells.";
    place.hidden = false;
    return;
  }

  const bar = make("p", { class: "hv-live-bar", role: "status" });
  const button = (name, does, title = "") => {
    const made = make("button", { type: "button", ...(title && { title }) }, name);
    made.addEventListener("click", does);
    return made;
  };
  function named(cell, word) {
    cell.run.textContent = word;
    cell.run.setAttribute("aria-label", `${word} cell ${cell.number + 1}`);
  }
  const cells = [...document.querySelectorAll("div.cell")].filter((el) => el.dataset.code || el.querySelector(".cell_input pre")).map((el, number) => {
    const input = el.querySelector(".cell_input"), out = el.querySelector(".cell_output");
    const published = el.dataset.code ?? input.querySelector("pre").textContent.replace(/\n$/, "");
    const cell = { el, input, number, published, shown: out && [...out.childNodes], ran: false, text: () => published };
    el.id ||= `cell-${number + 1}`;
    el.hidden = false;
    if (input) {
      const edit = button("Edit", () => session().then((one) => one.edit(cell)));
      edit.setAttribute("aria-label", `Edit cell ${number + 1}`);
      cell.run = button("Run", () => session().then((one) => (cell.run.textContent === "Stop" ? one.stop() : one.upTo(cell))));
      cell.note = make("span", { "aria-hidden": "true" }); // what the bar says, where the reader is
      input.after(make("div", { class: "hv-live-tools" }, cell.run, edit, cell.note));
      named(cell, "Run");
    }
    return cell;
  });

  let opened = null;
  const page = { cells, bar, make, here, name: location.pathname.split("/").pop() || "index.html", changed };
  const session = () => (opened ??= import(new URL("session.mjs", here)).then((module) => module.open(page), (why) => {
    opened = null;
    bar.textContent = `Python cannot be loaded now (${why.message}). Without a network, keep the book for offline use first.`;
    throw why;
  }));
  window.hvLive = { cells, session, opened: () => opened };

  if (cells.length) {
    const all = button("Run all of this page", () => session().then((one) => one.all()));
    const stop = button("Stop", () => session().then((one) => one.stop()), "Ends Python at once, whatever it does.");
    const reset = button("Reset", () => session().then((one) => one.reset()), "The page as it was published.");
    stop.disabled = reset.disabled = true;
    place.append(make("span", { class: "hv-live-tools", role: "group", "aria-label": "Run this page" }, all, stop, reset));
    page.stop = stop;
    page.reset = reset;
  }
  function changed({ running, touched }) {
    for (const cell of cells) if (cell.run && (cell.run.textContent === "Stop") !== (cell === running)) named(cell, cell === running ? "Stop" : "Run");
    page.stop.disabled = !running;
    page.reset.disabled = !touched;
  }

  // Offline: asked for, and undone, by the reader alone.
  const keep = make("span", { class: "hv-live-tools" });
  const worker = async () => {
    await navigator.serviceWorker.register(new URL("../sw.js", here));
    return (await navigator.serviceWorker.ready).active;
  };
  async function offline() {
    const kept = (await caches.keys()).some((name) => name.startsWith("hvlib-") && name.endsWith("-whole"));
    keep.replaceChildren(kept ? button("Forget the offline copy", async () => {
      for (const name of await caches.keys()) if (name.startsWith("hvlib-")) await caches.delete(name);
      for (const one of await navigator.serviceWorker.getRegistrations()) if (new URL(one.scope).href === new URL("..", here).href) await one.unregister();
      await offline();
      bar.textContent = "The offline copy is gone.";
    }) : button(`Keep for offline use (${place.dataset.megabytes} MB)`, async (event) => {
      event.target.disabled = true;
      navigator.serviceWorker.onmessage = async ({ data }) => {
        bar.textContent = data.failed ? `It could not be kept: ${data.failed}` : data.done < data.all ? `Keeping ${data.done} of ${data.all} files …`
          : `Kept: every page and Python, ${(data.bytes / 1e6).toFixed(1)} MB. This browser now shows and runs the book without a network.`;
        if (data.failed || data.done === data.all) await offline();
      };
      try { (await worker()).postMessage("keep"); } catch (why) {
        bar.textContent = `It could not be kept: ${why.message}`;
        await offline();
      }
    }));
  }
  if ("serviceWorker" in navigator && window.caches) {
    place.append(keep);
    offline();
  }
  document.head.append(make("link", { rel: "manifest", href: new URL("../app.webmanifest", here) }));
  place.hidden = false;
  (place.closest("p") || place).after(bar);
})();
