// An answer, of any status. One that the documents do not hold is said as plainly, and as
// usefully, as one that they do; an outage is never made to look like an absence.

import { button, data, el } from "./dom.js";
import { queries } from "./steps.js";
import { excerpt, percent, REASON, shortSource, STATUS } from "./words.js";

/** Shows `answer`; `acts` = {cite(citation), passage(passage), wider(), again()}. */
export function answerView(answer, acts) {
  const show = { abstained, failed }[answer.status] || answered;
  return el("div", { class: `answer ${answer.status}` }, show(answer, acts));
}

function answered(answer, acts) {
  return [
    answer.status === "partial" && partly(answer),
    prose(answer, acts),
    answer.missing.length > 0 && el("section", { class: "gap" }, el("h3", {}, "Not found"), plain(answer.missing)),
    answer.status === "partial" && el("p", {}, button("Search wider", acts.wider, { class: "next" })),
    confidence(answer.confidence),
  ];
}

const partly = ({ reason }) => el("p", { class: "verdict partial" }, el("strong", {}, STATUS.partial), reason && ` · ${REASON[reason]}`);

function abstained(answer, acts) {
  return [
    el("p", { class: "verdict" }, REASON[answer.reason] || STATUS.abstained),
    answer.missing.length > 0 && part("Missing", plain(answer.missing)),
    answer.passages.length > 0 && part("Nearest", nearest(answer, acts)),
    answer.searches.length > 0 && part("Looked for", queries(answer.searches)),
    el("p", { class: "next-line" }, button("Search wider", acts.wider, { class: "next" }), el("span", { class: "soft" }, "more rounds, and no filter")),
  ];
}

function failed(answer, acts) {
  return [
    el("p", { class: "verdict bad", role: "alert" }, el("strong", {}, "Something broke. "), "This says nothing about what your documents hold."),
    el("pre", { class: "outage", dir: "auto", tabindex: "0" }, answer.text),
    answer.citations.length > 0 && part("Found before it broke", el("ul", {}, answer.claims.map((claim) => el("li", {}, data(claim.text), claim.citations.map((one) => chip(one, acts)))))),
    el("p", { class: "next-line" }, button("Try again", acts.again, { class: "next" })),
  ];
}

const part = (title, content) => el("section", { class: "part" }, el("h3", {}, title), content);
const plain = (texts) => el("ul", { class: "plain" }, texts.map((text) => el("li", {}, data(text))));

/** What came closest: of each of the best passages the line that shares most with what is missing. */
function nearest(answer, acts) {
  const sought = [...answer.missing, answer.searches[0]?.text].join(" ");
  const card = (one) => [data(one.title || shortSource(one.source), "bdi", { class: "nearest-title" }), data(excerpt(one.text, sought), "bdi", { class: "source-text" })];
  return el("ul", { class: "nearest" }, answer.passages.slice(0, 3).map((one) => el("li", {}, button(card(one), () => acts.passage(one), { class: "card" }))));
}

/** The text in paragraphs, its [n] turned into chips: the span that answers shortly first. */
function prose(answer, acts) {
  const known = new Map(answer.citations.map((one) => [String(one.number), one]));
  const [first, ...rest] = answer.text.split("\n\n");
  const lead = rest.length > 0 && !/\[\d+\]/.test(first);
  const lines = (lead ? rest.join("\n\n") : answer.text).split("\n").filter(Boolean);
  return [lead && data(first, "p", { class: "lead" }), lines.map((line) => paragraph(line, known, acts))];
}

function paragraph(line, known, acts) {
  const said = [];
  for (const piece of line.split(/(\[\d+\])/).filter(Boolean)) {
    const citation = known.get(/^\[(\d+)\]$/.exec(piece)?.[1]);
    if (citation) stick(said, chip(citation, acts));
    else said.push(piece);
  }
  return el("p", { dir: "auto", class: line.startsWith("“") ? "quoted source-text" : "claim" }, said);
}

/** Keeps a chip on the line of the word before it. */
function stick(said, mark) {
  const before = said.pop() ?? "";
  const [, rest, word] = typeof before === "string" ? /^(.*?)(\S*\s*)$/.exec(before) : ["", "", ""];
  const group = typeof before === "string" ? el("span", { class: "together" }, word.trimEnd()) : before;
  group.append(mark);
  said.push(rest, group);
}

function chip(citation, acts) {
  const name = `Source ${citation.number}: ${citation.title || citation.source}`;
  return button(String(citation.number), (event) => acts.cite(citation, event.currentTarget), { class: "chip", "aria-label": name, title: citation.title, "data-number": citation.number });
}

/** Said as what it is: a probability, with no colour that would call it good or bad. */
function confidence(share) {
  const bar = el("span", { class: "meter", "aria-hidden": "true" }, el("span"));
  bar.firstChild.style.width = percent(share);
  const warning = share < 0.5 ? " More likely wrong than right: read the quotes." : "";
  return el("p", { class: "confidence soft", title: "The estimated probability that this answer is right" }, bar, `${percent(share)} likely right.${warning}`);
}

/** The answer as text to paste elsewhere, its quotes and their sources below it. */
export function withCitations(answer) {
  const sources = answer.citations.map((one) => `[${one.number}] “${one.quote.replace(/\s+/g, " ")}” (${[one.title, one.source].filter(Boolean).join(", ")})`);
  const said = answer.text || [REASON[answer.reason], ...answer.missing.map((gap) => `Missing: ${gap}`)].join("\n");
  return [said, ...sources].join("\n").trim();
}
