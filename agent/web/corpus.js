// The corpora: which is asked, what is in it, what it is built of, and adding to it.

import { getJson, query } from "./api.js";
import { button, data, dialog, el } from "./dom.js";
import { remover } from "./history.js";
import { chooseFiles } from "./upload.js";
import { count, shortSource, size } from "./words.js";

const PAGE = 100;

/** Opens the drawer. `acts` = {picked(name), document(id), add(files), changed()}. */
export function showCorpus(session, current, acts) {
  const body = el("div", { class: "list" });
  const box = dialog("Corpus", { class: "drawer" }, body);
  const show = (name) => fill(body, session, name, { ...acts, show, close: () => box.close() });
  show(current);
  return box;
}

function fill(body, session, name, acts) {
  const corpus = session.corpora.find((one) => one.name === name);
  const list = el("ul", { class: "rows" });
  const may = Object.fromEntries((session.may || []).map((act) => [act, true]));
  const add = button("Add files", async () => (acts.close(), acts.add(await chooseFiles())), { class: "next" });
  body.replaceChildren(
    ...[
      session.corpora.length > 1 && picker(session, name, acts),
      el("p", { class: "corpus-facts" }, data(corpus.name, "strong"), ` · ${count(corpus.documents, "document")} · ${count(corpus.passages, "passage")}`),
      el("p", { class: "soft parts" }, [corpus.embedder, corpus.reranker, corpus.reasoner].filter(Boolean).join(" · ")),
      (corpus.notices || []).map((notice) => el("p", { class: "notice" }, data(notice))),
      may.add && el("p", { class: "next-line" }, add, el("span", { class: "soft" }, "or drop them anywhere on the page")),
      list,
    ]
      .flat()
      .filter(Boolean),
  );
  documents(list, name, { ...acts, may }, 0);
}

function picker(session, name, acts) {
  const pick = (event) => (acts.picked(event.target.value), acts.show(event.target.value));
  const option = (one) => el("option", { value: one.name, selected: one.name === name }, one.name);
  return el("label", { class: "pick" }, "Ask ", el("select", { on: { change: pick } }, session.corpora.map(option)));
}

async function documents(list, corpus, acts, offset) {
  try {
    const page = await getJson(`/v1/corpus${query({ corpus, limit: PAGE, offset })}`);
    if (!offset) list.before(el("p", { class: "soft list-facts" }, page.bytes ? `${size(page.bytes)} on disk` : ""));
    list.append(...page.documents.map((one) => item(one, corpus, acts)));
    const next = offset + page.documents.length;
    if (next < page.total && page.documents.length) list.append(el("li", {}, button("More", (event) => (event.target.parentNode.remove(), documents(list, corpus, acts, next)), { class: "quiet" })));
  } catch (error) {
    list.append(el("li", { class: "bad" }, error.message));
  }
}

function item(one, corpus, acts) {
  const path = `/v1/corpus/documents/${encodeURIComponent(one.id)}${query({ corpus })}`;
  return el(
    "li",
    {},
    button(data(one.title || one.source || one.id), () => (acts.close(), acts.document(one.id)), { class: "row" }),
    el("span", { class: "soft" }, data(shortSource(one.source), "bdi", { title: one.source }), one.passages && ` · ${count(one.passages, "passage")}`),
    acts.may.remove && remover(path, one.title || one.id, acts.changed),
  );
}
