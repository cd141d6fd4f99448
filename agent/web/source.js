// Where a quote stands: its passage with the quote marked, and the document as it is stored.
// All of it is text; nothing in it is rendered, linked or loaded.

import { getJson, query } from "./api.js";
import { button, data, el } from "./dom.js";
import { codePoints, filter, shortSource } from "./words.js";

/** Shows the passage of a citation, or a passage alone. `all` are the answer's citations. */
export function sourceView({ passage, citation, all = [], corpus }, openCitation, openDocument) {
  const about = passage || citation;
  const place = el("p", { class: "place soft" }, path(passage));
  const whole = documentLink(about, corpus, () => openDocument(about, citation));
  addLines(place, about, citation, corpus);
  return [
    el("header", { class: "source-head" }, el("h2", { tabindex: "-1" }, citation && el("span", { class: "chip still" }, String(citation.number)), data(about.title || about.source || "Untitled")), place),
    data("", "blockquote", { class: "source-text passage", tabindex: "0", "aria-label": "Passage" }),
    el("footer", { class: "source-foot" }, whole, all.length > 1 && pager(citation, all, openCitation)),
  ].map((node) => (node.matches("blockquote") ? filled(node, passage, citation, corpus) : node));
}

const path = (passage) => (passage?.headings?.length ? [data(passage.headings.join(" › ")), " · "] : []);

/** Shows a stored document whole, with the quote of `citation` marked in it. */
export async function documentView(id, corpus, citation) {
  const found = await fetched(id, corpus);
  const text = marked(el("div", { class: "source-text whole", dir: "auto", tabindex: "0", "aria-label": "Text of the document" }), found.text, citation);
  return [
    el("header", { class: "source-head" }, el("h2", { tabindex: "-1" }, data(found.title || "Untitled")), el("p", { class: "place soft" }, data(shortSource(found.source), "bdi", { title: found.source }), filter(found.metadata) && [" · ", data(filter(found.metadata))])),
    text,
  ];
}

/** Scrolls to what is marked, if anything is. */
export function showMark(box) {
  const mark = box.querySelector("mark");
  if (!mark) return;
  const [inner, outer] = [mark.getBoundingClientRect(), box.getBoundingClientRect()];
  if (inner.bottom > outer.bottom - 40) mark.scrollIntoView({ block: "center" });
}

function filled(box, passage, citation, corpus) {
  if (passage) return marked(box, passage.text, citation, passage.start);
  fetched(citation.document_id, corpus).then((found) => marked(box, found.text, citation), (error) => box.append(error.message));
  return box;
}

/** Puts `text`, which begins at `from` in its document, into `box` with the quote marked. */
function marked(box, text, citation, from = 0) {
  if (!citation) {
    box.textContent = text;
    return box;
  }
  const points = codePoints(text);
  const [start, end] = [Math.max(0, citation.start - from), citation.end - from];
  box.replaceChildren(points.slice(0, start), el("mark", {}, points.slice(start, end)), points.slice(end));
  return box;
}

const kept = new Map();

function fetched(id, corpus) {
  const path = `/v1/corpus/documents/${encodeURIComponent(id)}${query({ corpus })}`;
  if (!kept.has(path)) {
    kept.set(path, getJson(path));
    kept.get(path).catch(() => kept.delete(path));
  }
  return kept.get(path);
}

/** Says on which lines the quote stands, once the document is known. */
async function addLines(place, about, citation, corpus) {
  place.append(data(shortSource(about.source), "bdi", { title: about.source }));
  try {
    const { text } = await fetched(about.document_id, corpus);
    const { start, end } = citation || about;
    const line = (point) => codePoints(text).slice(0, point).split("\n").length;
    const [first, last] = [line(start), line(Math.max(start, end - 1))];
    place.append(` · ${first === last ? `line ${first}` : `lines ${first}–${last}`}`);
  } catch {
    // The passage itself is here; only its place in the document is not known.
  }
}

function documentLink(about, corpus, open) {
  const address = `/${query({ document: about.document_id, corpus })}`;
  const go = (event) => {
    if (event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    open();
  };
  return el("a", { class: "link", href: address, on: { click: go } }, "The whole document");
}

function pager(citation, all, open) {
  const at = all.findIndex((one) => one.number === citation?.number);
  const go = (by) => button(by < 0 ? "Previous quote" : "Next quote", () => open(all[(at + by + all.length) % all.length]), { class: "quiet" });
  return el("span", { class: "pager" }, go(-1), el("span", { class: "soft" }, `${at + 1} of ${all.length}`), go(1));
}
