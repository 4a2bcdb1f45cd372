// Keeps the book on the reader's machine, when the reader asks for it: every page, and Python. Registered by that click alone.
const NAME = "hvlib-@VERSION@", WHOLE = `${NAME}-whole`;
const FILES = "@FILES@";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || !url.href.startsWith(self.registration.scope)) return;
  event.respondWith((async () => {
    // An old copy serves until the new book is there; with a network, a page is the newest.
    const names = (await caches.keys()).filter((name) => name.startsWith("hvlib-") && name.endsWith("-whole"));
    const kept = async () => {
      for (const name of names) {
        const found = await (await caches.open(name)).match(url.pathname.endsWith("/") ? `${url.origin}${url.pathname}index.html` : event.request, { ignoreSearch: true });
        if (found) return found;
      }
    };
    if (names.includes(WHOLE)) { const found = await kept(); if (found) return found; }
    try { return await fetch(event.request); } catch (why) {
      const found = await kept();
      if (found) return found;
      throw why;
    }
  })());
});

self.addEventListener("message", (event) => {
  if (event.data !== "keep") return;
  event.waitUntil((async () => {
    const tell = (data) => event.source?.postMessage(data), part = await caches.open(NAME);
    try {
      let done = 0, bytes = 0;
      for (let at = 0; at < FILES.length; at += 6) {
        await Promise.all(FILES.slice(at, at + 6).map(async (name) => {
          const url = new URL(name, self.registration.scope).href;
          let answer = await part.match(url);
          if (!answer) {
            answer = await fetch(url, { cache: "no-cache" });
            if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
            await part.put(url, answer.clone());
          }
          bytes += (await answer.blob()).size;
          done += 1;
        }));
        if (done < FILES.length) tell({ done, all: FILES.length });
      }
      const whole = await caches.open(WHOLE);
      for (const request of await part.keys()) await whole.put(request, await part.match(request));
      for (const name of await caches.keys()) if (name.startsWith("hvlib-") && name !== WHOLE) await caches.delete(name);
      tell({ done, all: FILES.length, bytes });
    } catch (why) { tell({ failed: why.message }); }
  })());
});
