// What went into a step and what came out of it. Each part is shown for what it is, by the
// names in the state; what has no showing of its own is shown as JSON.

import { button, data, el, fold } from "./dom.js";
import { outcome, queryOf } from "./run.js";
import { cost, duration, filter, percent, tokens } from "./words.js";

/** A list of steps that grows with the run and keeps open what is open. */
export class StepList {
  constructor(run, openPassage) {
    this.run = run;
    this.openPassage = openPassage;
    this.box = el("ol", { class: "steps" });
    this.shown = new Map();
  }

  update(steps) {
    const wanted = new Set(steps.map((step) => step.id));
    for (const [id, { item }] of this.shown) item.hidden = !wanted.has(id);
    for (const step of steps) this.#put(step);
  }

  #put(step) {
    const known = this.shown.get(step.id);
    if (known?.status === step.status) return;
    const item = el("li", {}, this.#fold(step, known?.item.firstChild.open));
    if (known) known.item.replaceWith(item);
    else this.box.append(item);
    this.shown.set(step.id, { item, status: step.status });
  }

  #fold(step, open) {
    return fold(summary(step), () => body(step, this.run, this.openPassage), { open, class: `step ${step.status}` });
  }
}

function summary(step) {
  const query = queryOf(step);
  const usage = step.result.usage;
  const took = [step.seconds != null && duration(step.seconds), tokens(usage), usage?.llm_calls && cost(usage.cost_usd)];
  return el(
    "span",
    { class: "step-line" },
    el("span", { class: "step-round" }, step.round ? `Round ${step.round}` : "Before"),
    el("span", { class: "step-name" }, step.node),
    el("span", { class: "step-said" }, query && data(query.text), query && " ", el("span", { class: "soft" }, outcome(step))),
    el("span", { class: "step-took soft" }, took.filter(Boolean).join(" · ")),
  );
}

function body(step, run, openPassage) {
  const parts = [
    step.error && section("Error", el("p", { class: "bad" }, step.error)),
    section("Input", input(step.input), raw(step.input)),
    step.status !== "running" && section("Result", result(step, run, openPassage), raw(step.result)),
  ];
  return el("div", { class: "step-body" }, parts);
}

const section = (title, ...content) => el("section", {}, el("h3", {}, title), content);

const raw = (value) => fold("As JSON", () => el("pre", { dir: "ltr", tabindex: "0" }, JSON.stringify(value, null, 2)), { class: "raw" });

const facts = (pairs) => el("dl", { class: "facts" }, pairs.filter(([, value]) => value).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

function input({ planned, question, where, evidence, searches, budget }) {
  return facts([
    ["Query", planned && data(planned.query.text)],
    ["For part", planned?.subquestion],
    ["Question", question && data(question)],
    ["Filter", filter(planned?.query.where || where)],
    ["Searches before", searches?.length && String(searches.length)],
    ["Passages before", evidence?.length && String(evidence.length)],
    ["Budget", budget && limits(budget)],
  ]);
}

const limits = (budget) =>
  Object.entries(budget)
    .filter(([, limit]) => limit != null)
    .map(([name, limit]) => `${limit} ${name.replace("_", " ")}`)
    .join(", ");

function result(step, run, openPassage) {
  const { result: came } = step;
  return [
    came.rewritten && facts([["Asked as", data(came.rewritten.question)], ["Made by", came.rewritten.by], ["Note", came.rewritten.note]]),
    came.outages?.length && titled("Outages", list(came.outages)),
    came.stopped && facts([["Ended the search", came.stopped]]),
    came.confidence != null && came.findings && facts([["Confidence", percent(came.confidence)]]),
    came.subquestions?.length && titled("Parts of the question", list(came.subquestions.map((part) => part.text))),
    came.findings && titled("Findings", findings(Object.values(came.findings))),
    came.queries?.length && titled("Next queries", queries(came.queries.map((planned) => planned.query))),
    passages(step, run, openPassage),
    came.draft && titled("Draft", claims(came.draft)),
    came.dropped?.length && titled("Dropped, as no quote held", list(came.dropped)),
    came.answer && facts([["Answer", came.answer.status], ["Reason", came.answer.reason]]),
    (came.calls || []).map(call),
  ];
}

const titled = (title, node) => [el("h4", {}, title), node];
const list = (texts) => el("ul", {}, texts.map((text) => el("li", {}, data(text))));

export const queries = (all) =>
  el("ul", { class: "queries" }, all.map((one) => el("li", {}, data(one.text), filter(one.where) && el("span", { class: "soft" }, ` where ${filter(one.where)}`))));

function findings(all) {
  return el(
    "ul",
    { class: "findings" },
    all.map((one) =>
      el(
        "li",
        { class: one.found ? "found" : "missing" },
        el("strong", {}, one.found ? "Found " : "Missing "),
        data(one.found ? one.claim || one.text : one.missing),
        one.found && el("span", { class: "soft" }, ` ${percent(one.confidence)}`),
        one.quotes.map((quote) => data(quote.text, "q", { class: "source-text" })),
      ),
    ),
  );
}

const claims = ({ claims: all }) =>
  el("ol", {}, all.map((claim) => el("li", {}, data(claim.text), claim.quotes.map((quote) => data(quote.text, "q", { class: "source-text" })))));

/** A model call, where the run kept it: what was sent, and what came back. */
const call = ({ model, system, user, reply, usage }) => [
  el("h4", {}, `Call of ${model}`),
  el("p", { class: "soft" }, `${usage.input_tokens} tokens in, ${usage.output_tokens} out, ${cost(usage.cost_usd)}`),
  fold("Prompt", () => [system, user].map(said), { class: "raw" }),
  fold("Reply", () => said(reply), { class: "raw" }),
];

const said = (text) => el("pre", { dir: "auto", tabindex: "0" }, text);

/** Passages before the reranker (place in the search) and after it (score). */
function passages(step, run, openPassage) {
  const { scores, evidence } = step.result;
  const found = step.result.found || run.view().steps.flatMap((one) => (one.round === step.round && one.result.found) || []);
  const before = ranks(found);
  if (!evidence && !step.result.found) return null;
  const rows = evidence ? evidence.map((one) => [one, before.get(one.id)]) : [...before.values()].map((one) => [one, one]);
  const head = ["Passage", "Found", "Words", "Meaning", scores && "Reranked"].filter(Boolean);
  return titled(
    "Passages",
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, rows.map(([one, known]) => row(one, known, scores, openPassage))),
    ),
  );
}

function row(one, known, scores, openPassage) {
  const title = one.title || one.id;
  const name = one.text ? button(data(title), () => openPassage(one), { class: "link" }) : data(title);
  const cells = [known ? `#${known.rank + 1}` : "before", known?.bm25?.toFixed(1) ?? "–", known?.cosine?.toFixed(2) ?? "–"];
  if (scores) cells.push((scores[one.id] ?? one.score).toFixed(2));
  return el("tr", {}, el("th", { scope: "row" }, name), cells.map((cell) => el("td", {}, cell)));
}

/** The best place that any query of the round gave each passage. */
function ranks(found) {
  const best = new Map();
  for (const { candidates } of found)
    for (const [place, { id, title, signals }] of candidates.entries()) {
      const rank = signals.rank ?? place;
      if (!best.has(id) || rank < best.get(id).rank) best.set(id, { id, title, ...signals, rank });
    }
  return new Map([...best].sort((a, b) => a[1].rank - b[1].rank));
}
