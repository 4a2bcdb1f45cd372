// Questions on a page without Python. Answers, named mistakes and sentences were computed by the engine (hvlib.teaching.ask.as_data);
// here an answer is only read, compared and written as Python does it.

const MOST = 1n << 64n;
const UNITS = [["TiB", 1n << 40n], ["GiB", 1n << 30n], ["MiB", 1n << 20n], ["KiB", 1n << 10n], ["B", 1n]];

/** A whole number as people write it, or null. */
function whole(text) {
  let digits = text.trim().replace(/(?<=\d)[,_ ](?=\d{3})/g, "").toLowerCase();
  const sign = /^[+-]/.test(digits) ? digits[0] : "";
  digits = digits.slice(sign.length);
  if (text.length >= 60 || !/^(0x[\da-f]+|0b[01]+|0o[0-7]+|0+|[1-9]\d*)$/.test(digits)) return null;
  const value = sign === "-" ? -BigInt(digits) : BigInt(digits);
  return value >= -MOST && value <= MOST ? value : null;
}

/** Bytes of "16 MiB" or of a whole number, or null. */
function bytes(text) {
  const number = whole(text);
  if (number !== null) return number;
  const found = /^\s*(\d+)(?:\.(\d+))?\s*(?:([kmgt])(ib)?|b(?:ytes?)?)?\s*$/i.exec(
    text.replace(/(?<=\d),(?=\d{3})/g, "").replace(/kB\s*$/, "KiB"));  // the kernel's own spelling
  if (!found || text.length >= 40) return null;
  const [, before, after = "", prefix] = found;
  const factor = prefix ? UNITS.find(([unit]) => unit[0] === prefix.toUpperCase())[1] : 1n;
  const scale = 10n ** BigInt(after.length), value = BigInt(before + after) * factor;
  return value % scale === 0n && value > 0n && value / scale < MOST ? value / scale : null;
}

const commas = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/** The exact size in the largest unit that needs at most two decimals, as hvlib.format_size writes it. */
function sized(value) {
  if (value < 0n) return `${commas(value)} B`;
  for (const [unit, factor] of UNITS) {
    const hundredths = value * 100n;
    if (value < factor || hundredths % factor) continue;
    const exact = hundredths / factor, rest = String(exact % 100n).padStart(2, "0").replace(/0+$/, "");
    return `${commas(exact / 100n)}${rest && "."}${rest} ${unit}`;
  }
  return `${commas(value)} B`;
}

const WRITE = {
  thousands: commas, in_units: sized, str: String,
  hexadecimal: (value) => (value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`),
};

/** What was typed: { value, shown } or { sentence } if it is no answer. */
export function read(question, text) {
  if (!text.trim()) return { sentence: "No answer yet: type yours and press Enter." };
  if (question.kind === "count" || question.kind === "size") {
    const value = question.kind === "count" ? whole(text) : bytes(text);
    if (value !== null) return { value: String(value), shown: WRITE[question.write](value), number: value };
    const example = question.kind === "count" ? "512, '1,024' or 0x200" : "'16 MiB' or a number of bytes";
    return { sentence: `Not an answer yet: '${text}' is not a ${question.kind === "count" ? "whole number" : "size"}; write for example ${example}.` };
  }
  const words = text.toLowerCase().trim().split(/[\s,]+/);
  if (question.kind === "order") {
    if ([...words].sort().join() !== [...question.choices].sort().join())
      return { sentence: `Not an answer yet: each step once, please: ${[...question.choices].sort().join(", ")}.` };
    return { value: words.join(" "), shown: words.join(", ") };
  }
  const typed = text.toLowerCase().trim().replace(/\s+/g, " ");
  const name = question.choices.find((choice) => typed === choice || typed === choice.replace(/s$/, ""));
  return name ? { value: name, shown: name } : { sentence: `Not an answer yet: choose one of ${question.choices.join(", ")}.` };
}

/** { right, text }: the verdict on what was typed, in the words of hvlib.check. */
export function judge(question, number, text) {
  const { right, shown, why, mistakes } = question.cases[number], answer = read(question, text);
  if (answer.sentence) return { right: false, text: answer.sentence };
  if (answer.value === right) return { right: true, text: `Right: ${shown}. ${why}` };
  const mistake = mistakes.find(([value]) => value === answer.value);
  if (mistake) return { right: false, text: `Not ${mistake[1]}. ${mistake[2]}` };
  const way = answer.number === undefined ? "" : answer.number < BigInt(right) ? "The answer is larger. " : "The answer is smaller. ";
  return { right: false, text: `Not ${answer.shown}. ${way}${question.hint}${bare(question, text)}` };
}

/** A bare number given for a size is read as bytes, which is seldom meant. */
function bare(question, text) {
  return question.kind === "size" && /^\d+$/.test(text.trim()) ? " (A number without a unit is bytes; add KiB, MiB or GiB.)" : "";
}

/** A guess beside the truth, in the words of a Prediction's verdict. */
export function compare(question, text) {
  if (!text.trim()) return "";
  const { right, shown, why, mistakes } = question.cases[0], answer = read(question, text);
  if (answer.value === right) return `Your guess is right: ${shown}. ${why}`;
  const mistake = mistakes.find(([value]) => value === answer.value);
  return `Your guess was ${answer.shown ?? text.trim()}; it is ${shown}. ${mistake ? `${mistake[2]} ` : ""}${why}`;
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

let forms = 0;

function field(question, id, label) {
  if (question.kind !== "choice") return make("input", { id, type: "text", autocomplete: "off", spellcheck: "false" });
  const select = make("select", { id }, make("option", { value: "" }, label));
  select.append(...question.choices.map((choice) => make("option", { value: choice }, choice)));
  return select;
}

/** An exercise: the question, a field, a verdict, and other numbers for those who want more. */
export function exercise(el, question) {
  const id = `hv-q${++forms}`;
  const input = field(question, id, "choose …"), text = make("p"), verdict = make("p", { role: "status", class: "hv-verdict" });
  let number = 0;
  const put = () => { text.textContent = question.cases[number].text; input.value = ""; verdict.textContent = ""; delete verdict.dataset.right; solve(); };
  /** The solution below is worked with the first numbers; with others it says so, and what the answer then is. */
  function solve() {
    const solution = el.closest(".cell")?.nextElementSibling, { shown, why } = question.cases[number];
    if (!solution?.matches("details")) return;
    for (const old of solution.querySelectorAll(".hv-others")) old.remove();
    if (!number) return;
    solution.open = false;
    solution.querySelector("summary").after(make("p", { class: "hv-others" }, "With the numbers asked now: ", make("strong", {}, shown), `. ${why}`), make("p", { class: "hv-others" }, "With those asked first:"));
  }
  const form = make("form", { class: "hv-quiz" }, text, make("label", { for: id }, "Your answer"), input, make("button", {}, "Check"), verdict);
  if (new Set(question.cases.map((one) => one.text)).size > 1) {
    const other = make("button", { type: "button" }, "Other numbers");
    other.addEventListener("click", () => { number = (number + 1) % question.cases.length; put(); input.focus(); });
    form.insertBefore(other, verdict);
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const judged = judge(question, number, input.value);
    verdict.textContent = judged.text;
    if (read(question, input.value).sentence) delete verdict.dataset.right; // no answer is neither
    else verdict.dataset.right = judged.right;
  });
  put();
  el.replaceChildren(form);
}

/** A prediction: `tell` is given what was noted, for the panel that waits for it, or nothing. */
export function prediction(el, question, tell) {
  const id = `hv-q${++forms}`;
  const input = field(question, id, "choose …"), noted = make("p", { role: "status", class: "hv-verdict" });
  const text = make("p", {}, make("strong", {}, "Before you look. "), question.cases[0].text);
  const form = make("form", { class: "hv-quiz" }, text, make("label", { for: id }, "Your guess"), input, make("button", {}, "Note it"), noted);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const answer = read(question, input.value);
    noted.textContent = answer.sentence || (question.noted ? `Noted: ${answer.shown}.${bare(question, input.value)} ${question.noted}` : compare(question, input.value));
    if (!answer.sentence && !question.noted) noted.dataset.right = answer.value === question.cases[0].right;
    else delete noted.dataset.right;
    tell(answer.sentence ? null : { shown: answer.shown, number: Number(answer.number ?? 0), right: answer.value === question.cases[0].right, verdict: compare(question, input.value) });
  });
  el.replaceChildren(form);
}

const cell = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The concept test: ten questions with options. Nothing is said of an answer until all are handed in, and then they stay. */
export function test(el, { items, seed, when, form: letter, guessing, columns }) {
  const form = make("form", { class: "hv-quiz" }), questions = make("fieldset"), score = make("p", { role: "status", class: "hv-verdict" });
  const id = ++forms;
  items.forEach((item, n) => {
    const group = make("fieldset", {}, make("legend", {}, `${n + 1}. ${item.text}`));
    item.options.forEach((option, k) => {
      const radio = make("input", { type: "radio", name: `hv-t${id}-${n}`, value: k, id: `hv-t${id}-${n}-${k}` });
      group.append(make("div", {}, radio, make("label", { for: radio.id }, option)));
    });
    questions.append(group);
  });
  const who = make("input", { id: `hv-t${id}`, type: "text", autocomplete: "off", spellcheck: "false" });
  const button = make("button", {}, "Hand in");
  form.append(questions, make("p", { class: "hv-who" }, make("label", { for: who.id }, "Your name or number, for your teacher"), who), button, score);
  const chosen = () => items.map((_, n) => form.querySelector(`input[name="hv-t${id}-${n}"]:checked`)?.value);
  const tell = () => {
    const open = chosen().filter((value) => value === undefined).length;
    button.disabled = open > 0;
    score.textContent = open ? `${open} to go.` : "";
  };
  questions.addEventListener("change", tell);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const answers = chosen();
    if (button.disabled || questions.disabled) return;
    questions.disabled = button.disabled = true;
    const right = items.filter((item, n) => Number(answers[n]) === item.right).length;
    score.textContent = `Concept test, form ${letter}, ${when}, seed ${seed}: ${right} of ${items.length} right. Guessing gives ${guessing.toFixed(1)}.`;
    const file = make("a", { download: `concept-test-${when}.csv` }, "Download the result for your teacher"), nameless = make("span", {}, "With a name above there is a file for your teacher here.");
    const write = () => {
      const values = { student: who.value.trim(), seed, when, form: letter, answers: answers.join(" ") };
      const csv = [columns, columns.map((name) => cell(String(values[name])))].map((row) => `${row.join(",")}\n`).join("");
      file.href = `data:text/csv;charset=utf-8,${encodeURIComponent(csv)}`;
      file.hidden = !values.student;
      nameless.hidden = !file.hidden;
    };
    who.addEventListener("input", write);
    write();
    form.append(make("p", {}, file, nameless));
  });
  tell();
  el.replaceChildren(when === "after" ? make("details", {}, make("summary", {}, "After the book: ten questions with other numbers"), form) : form);
}
