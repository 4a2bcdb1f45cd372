// How the search sorts what it finds: the chapters before the reference; a word before a part of another.
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
