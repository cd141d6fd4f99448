// What was asked before: conversations and single runs, as the server keeps them.

import { getJson, query, request } from "./api.js";
import { button, data, dialog, el } from "./dom.js";
import { clock, day, duration, STATUS } from "./words.js";

const PAGE = 40;

/** Opens the list; `openThread(id)` is called for a conversation. */
export function showHistory(keeps, openThread) {
  const list = el("div", { class: "list" });
  const box = dialog("History", { class: "drawer" }, el("div", { class: "list-head" }, choice(list, () => box.close(), openThread)), list);
  if (!keeps) list.append(el("p", { class: "soft none" }, "Runs are not kept: keep_runs_days is 0."));
  return box;
}

function choice(list, close, openThread) {
  const kinds = {
    Conversations: () => threads(list, close, openThread),
    Runs: () => runs(list),
  };
  const chips = Object.entries(kinds).map(([name, fill]) => button(name, () => pick(name, fill), { class: "quiet choice", "aria-pressed": "false" }));
  const pick = (name, fill) => {
    for (const chip of chips) chip.setAttribute("aria-pressed", chip.textContent === name);
    list.replaceChildren(el("p", { class: "soft none" }, "Looking …"));
    fill().catch((error) => list.replaceChildren(el("p", { class: "bad none" }, error.message)));
  };
  pick("Conversations", kinds.Conversations);
  return chips;
}

async function threads(list, close, openThread) {
  const { threads: kept } = await getJson("/v1/threads");
  const open = (one) => (close(), openThread(one.id));
  const item = (one) =>
    el(
      "li",
      {},
      button(data(one.title), () => open(one), { class: "row" }),
      el("span", { class: "soft" }, `${clock(one.at)} · ${one.turns} ${one.turns === 1 ? "question" : "questions"}`),
      remover(`/v1/threads/${encodeURIComponent(one.id)}`, one.title),
    );
  list.replaceChildren(...byDay(kept, item, "No conversation yet."));
}

async function runs(list, before) {
  const { runs: kept, more } = await getJson(`/v1/runs${query({ limit: PAGE, before })}`);
  const item = (one) =>
    el(
      "li",
      {},
      el("a", { class: "row", href: `/runs/${encodeURIComponent(one.id)}` }, data(one.asked || one.question)),
      el("span", { class: `soft state ${one.status}` }, `${clock(one.at)} · ${STATUS[one.status] || one.status} · ${duration(one.seconds)}`),
      remover(`/v1/runs/${encodeURIComponent(one.id)}`, one.question),
    );
  const further = more && button("Earlier", () => (further.remove(), runs(list, kept.at(-1).at)), { class: "quiet" });
  const shown = byDay(kept, item, "No run is kept yet.");
  if (before) list.append(...shown);
  else list.replaceChildren(...shown);
  if (further) list.append(further);
}

function byDay(kept, item, none) {
  if (!kept.length) return [el("p", { class: "soft none" }, none)];
  const days = Map.groupBy(kept, (one) => day(one.at));
  return [...days].flatMap(([name, ones]) => [el("h3", {}, name), el("ul", { class: "rows" }, ones.map(item))]);
}

/** Removes a row for good, at the second press. */
export function remover(path, name, done = () => {}) {
  const press = async () => {
    if (box.textContent === "Remove") return void (box.textContent = "Really?");
    await request(path, { method: "DELETE" });
    box.closest("li").remove();
    return done();
  };
  const box = button("Remove", press, { class: "quiet small", "aria-label": `Remove ${name}` });
  box.addEventListener("blur", () => (box.textContent = "Remove"));
  return box;
}

/** Asks for another run to lay beside `id`, and goes there. */
export async function chooseBeside(id) {
  const { runs: kept } = await getJson(`/v1/runs${query({ limit: PAGE })}`);
  const others = kept.filter((one) => one.id !== id);
  const item = (one) =>
    el(
      "li",
      {},
      el("a", { class: "row", href: `/runs/${encodeURIComponent(id)}${query({ beside: one.id })}` }, data(one.asked || one.question)),
      el("span", { class: `soft state ${one.status}` }, `${clock(one.at)} · ${STATUS[one.status] || one.status}`),
    );
  dialog("Lay beside", { class: "drawer" }, el("div", { class: "list" }, byDay(others, item, "There is no other run yet.")));
}
