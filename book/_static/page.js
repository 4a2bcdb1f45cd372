// Wakes what stands on a page: films, predictions, exercises, the concept test, the game, the hands. film, waits, quiz,
// game and hands are the modules above.
function held(script) { return JSON.parse(script.textContent); }

/** What `packed` of book/_ext/shown.py made of JSON. */
async function unpacked(script) {
  const bytes = Uint8Array.from(atob(script.textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}

const predictions = [...document.querySelectorAll(".hv-prediction")].map((el) => ({ el, question: held(el.querySelector("script")), now: null, tell: () => {} }));
for (const el of document.querySelectorAll(".hv-film")) {
  const values = new Map(Object.entries(JSON.parse(el.dataset.start))), listeners = new Map();
  const model = {
    get: (name) => values.get(name),
    set: (name, value) => { values.set(name, value); (listeners.get(name) || []).forEach((f) => f()); },
    on: (event, f) => { const name = event.replace("change:", ""); listeners.set(name, [...(listeners.get(name) || []), f]); },
    off: (event, f) => { const name = event.replace("change:", ""); listeners.set(name, (listeners.get(name) || []).filter((one) => one !== f)); },
    save_changes: () => {},
  };
  const asked = predictions.filter((one) => one.el.compareDocumentPosition(el) & Node.DOCUMENT_POSITION_FOLLOWING).at(-1);
  const watch = (f) => { if (asked) asked.tell = f; return () => {}; };
  unpacked(el.nextElementSibling).then((reel) => {
    values.set("reel", reel);
    waits.panel({ film, model, el, wait: asked?.question.wait, guess: () => asked?.now, watch });
  });
}
for (const one of predictions) quiz.prediction(one.el, one.question, (now) => { one.now = now; one.tell(); });
for (const el of document.querySelectorAll(".hv-exercise")) quiz.exercise(el, held(el.querySelector("script")));
for (const el of document.querySelectorAll(".hv-test")) quiz.test(el, held(el.querySelector("script")));
for (const el of document.querySelectorAll(".hv-game")) {
  const { name, data, seed, moves } = held(el.nextElementSibling), nobody = () => () => {};
  if (name) { hands.mount({ el, name, data }); continue; }
  game.mount({ el, data, link: { seed, moves: () => moves, send: nobody, listen: nobody, judge: nobody } }); // no Python here
}
