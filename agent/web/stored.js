// A stored run, opened by its address: /runs/ID, and /runs/ID?beside=OTHER.

import { answerView } from "./answer.js";
import { getJson, request } from "./api.js";
import { button, byId, data, el } from "./dom.js";
import { compareView } from "./compare.js";
import { chooseBeside } from "./history.js";
import { Run } from "./run.js";
import { clock, day } from "./words.js";

const address = (id) => `/v1/runs/${encodeURIComponent(id)}`;

async function stored(id) {
  const { run: about, events } = await getJson(address(id));
  return Object.assign(Run.of(events), { about: about || {} });
}

/** Shows the run in place of the conversation. */
export async function showStored(id, stage) {
  document.body.classList.add("stored");
  document.querySelector(".skip").remove();
  const box = byId("turns");
  try {
    const run = await stored(id);
    box.replaceChildren(...page(run, stage));
    document.title = `${run.asked || run.question} · Suffice`;
    stage.show(run, run.about.corpus);
  } catch (error) {
    box.replaceChildren(missing(error));
  }
}

function page(run, stage) {
  const ask = () => location.assign(`/?${new URLSearchParams({ ask: run.asked || run.question })}`);
  const acts = {
    cite: (citation, from) => stage.openCitation(run.answer, citation, from),
    passage: (passage) => stage.openPassage(passage),
    wider: ask,
    again: ask,
  };
  return [
    el("p", { class: "soft run-facts" }, [`Run ${run.id}`, run.about.at && `${day(run.about.at)}, ${clock(run.about.at)}`].filter(Boolean).join(" · ")),
    el("article", { class: "turn", "aria-label": "The run" }, el("header", { class: "asked" }, data(run.asked || run.question, "h2")), run.asked && el("p", { class: "rewritten soft" }, "Asked as ", data(run.question, "q")), el("div", { class: "turn-body" }, answerView(run.answer, acts))),
    el(
      "p",
      { class: "actions" },
      button("Ask again", ask, { class: "quiet" }),
      button("Lay beside …", () => chooseBeside(run.id), { class: "quiet", "aria-haspopup": "dialog" }),
      button("Download JSON", () => download(run.id), { class: "quiet" }),
    ),
    el("p", { class: "soft command" }, "On the command line: ", el("code", {}, `suffice graph --run ${run.id}`)),
    el("p", { class: "actions" }, el("a", { class: "quiet", href: "/" }, "Ask something else")),
  ].filter(Boolean);
}

/** Saves the run as the server sends it; by hand, as a link could not carry the token. */
async function download(id) {
  const body = await (await request(`${address(id)}?download=1`)).blob();
  const link = el("a", { href: URL.createObjectURL(body), download: `${id}.json` });
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Shows two runs side by side, in place of everything else. */
export async function showBeside(id, other) {
  document.body.classList.add("comparing");
  document.querySelector(".skip").remove();
  const main = document.querySelector("main");
  try {
    const [left, right] = await Promise.all([stored(id), stored(other)]);
    document.title = "Two runs · Suffice";
    main.replaceChildren(compareView(left, right));
  } catch (error) {
    main.replaceChildren(missing(error));
  }
}

const missing = (error) =>
  el("div", { class: "greeting" }, el("h2", {}, "This run cannot be shown."), el("p", { class: "soft" }, data(error.message), " ", error.next), el("p", {}, el("a", { class: "quiet", href: "/" }, "Ask something")));
