// How the search sorts what it finds, the chapters before the reference, a word before a part of another; and what it shows of it.
var Scorer = {
  score: ([docname, , , , score]) => (docname === "api" ? score - 1000 : /^\d\d_/.test(docname) ? score + 10 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 1,
  term: 5,
  partialTerm: 1,
};

// An excerpt is about the word that is sought: it shows that, in prose, and not where its letters are a part of another word.
document.addEventListener("DOMContentLoaded", () => {
  const summary = Search.makeSearchSummary, ROOM = 120;
  const places = (text, word) => {
    const sought = _escapeRegExp(word), ways = [`(?<!\\w)${sought}(?!\\w)`, `(?<!\\w)${sought}`, sought];
    return ways.map((way) => text.search(new RegExp(way, "i")));
  };
  Search.makeSearchSummary = (page, words, anchor) => {
    const told = summary(page, words, anchor), text = Search.htmlToText(page.replace(/<svg.*?<\/svg>/gs, " "), anchor), found = [...words].map((word) => places(text, word));
    const at = [0, 1, 2].flatMap((way) => found.map((one) => one[way])).find((place) => place >= 0);
    if (!told || at === undefined) return told;
    const from = at < ROOM ? 0 : text.lastIndexOf(" ", at - ROOM) + 1, until = from + 2 * ROOM;
    told.textContent = `${from ? "… " : ""}${text.slice(from, until).replace(until < text.length ? /\s+\S*$/ : "", "").trim()}${until < text.length ? " …" : ""}`;
    return told;
  };
});
