// Wakes what stands on a page: films, predictions, exercises, the concept test, the game. film, quiz and game are the
// modules above.
function held(script) { return JSON.parse(script.textContent); }

/** What `packed` of book/_ext/shown.py made of JSON. */
async function unpacked(script) {
  const bytes = Uint8Array.from(atob(script.textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
}

const states = [];
for (const el of document.querySelectorAll(".hv-film")) {
  const values = new Map(Object.entries(JSON.parse(el.dataset.start)));
  const listeners = new Map();
  const state = {
    get: (name) => values.get(name),
    set: (name, value) => { values.set(name, value); (listeners.get(name) || []).forEach((f) => f()); },
    listen: (name, f) => {
      listeners.set(name, [...(listeners.get(name) || []), f]);
      return () => listeners.set(name, listeners.get(name).filter((one) => one !== f));
    },
  };
  unpacked(el.nextElementSibling).then((reel) => film.play({ reel, state, el }));
  states.push([el, state]);
}
const after = (el) => states.find(([panel]) => el.compareDocumentPosition(panel) & Node.DOCUMENT_POSITION_FOLLOWING);
for (const el of document.querySelectorAll(".hv-prediction"))
  quiz.prediction(el, held(el.querySelector("script")), (text) => { const next = after(el); if (next) next[1].set("note", text); });
for (const el of document.querySelectorAll(".hv-exercise")) quiz.exercise(el, held(el.querySelector("script")));
for (const el of document.querySelectorAll(".hv-test")) quiz.test(el, held(el.querySelector("script")));
for (const el of document.querySelectorAll(".hv-game")) {
  const { data, seed, moves } = held(el.nextElementSibling), nobody = () => () => {};
  game.mount({ el, data, link: { seed, moves: () => moves, send: nobody, listen: nobody, judge: nobody } }); // no Python here
}
