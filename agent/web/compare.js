// Two runs side by side: what was asked of the store, what was found, what came of it.

import { data, el } from "./dom.js";
import { filter, percent, STATUS, usageLine } from "./words.js";

/** Shows what differs between two ended runs. */
export function compareView(left, right) {
  const sides = [left, right];
  return el(
    "div",
    { class: "compare" },
    el("header", { class: "compare-head" }, sides.map(heading)),
    block("Verdict", sides.map(verdict)),
    block("Queries", columns(sides, (run) => run.answer.searches.map((one) => [said(one), said(one)]))),
    block("Evidence", columns(sides, (run) => run.answer.passages.map((one, n) => [one.id, one.title || one.source, `#${n + 1}  ${one.score.toFixed(2)}`]))),
    block("Quotes", columns(sides, (run) => run.answer.citations.map((one) => [one.passage_id + one.start, one.quote]), "source-text")),
  );
}

const said = (one) => [one.text, filter(one.where)].filter(Boolean).join(" where ");

const heading = (run) =>
  el("div", {}, el("a", { class: "soft", href: `/runs/${encodeURIComponent(run.id)}` }, run.id), data(run.asked || run.question, "h2"), el("p", { class: "soft" }, usageLine(run.answer.usage)));

function verdict({ answer }) {
  const share = answer.confidence && ["answered", "partial"].includes(answer.status) ? ` · ${percent(answer.confidence)} likely right` : "";
  const missing = answer.missing.map((gap) => el("p", { class: "soft" }, "Missing: ", data(gap)));
  return el("div", {}, el("p", {}, el("strong", {}, STATUS[answer.status]), share), data(answer.text, "p", { class: "whole-answer" }), missing);
}

const block = (title, [left, right]) => el("section", { class: "block" }, el("h3", {}, title), el("div", { class: "pair" }, left, right));

/** Two lists; what only one of them holds stands out. `items` are [key, text, note]. */
function columns(sides, items, kind = "") {
  const lists = sides.map(items);
  const keys = lists.map((list) => new Set(list.map(([key]) => key)));
  return lists.map((list, n) =>
    el(
      "ul",
      { class: "plain" },
      list.length ? list.map((item) => entry(item, keys[1 - n].has(item[0]), kind)) : el("li", { class: "soft" }, "none"),
    ),
  );
}

const entry = ([, text, note], both, kind) =>
  el("li", { class: both ? "both" : "only" }, data(text, "bdi", { class: kind || null }), note && el("span", { class: "soft" }, ` ${note}`), !both && el("span", { class: "only-mark" }, " only here"));
