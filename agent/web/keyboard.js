// Tabs, the keys that work anywhere, and the list of them.

import { byId, dialog, el } from "./dom.js";

const KEYS = [
  ["Enter", "Ask"],
  ["Shift Enter", "A new line in the question"],
  ["Ctrl K", "To the question"],
  ["Ctrl .", "Stop the run"],
  ["Ctrl Y", "History"],
  ["Ctrl /", "This list"],
  ["Arrow keys", "From node to node in the graph"],
  ["Enter on a node", "Its runs, with input and result"],
  ["Escape", "Back from a source to the answer"],
];

const TABS = ["chat", "graph", "details"];

/** Brings one part to the front where there is room for one only. */
export function showTab(name) {
  document.body.dataset.tab = name;
  for (const tab of TABS) {
    const on = tab === name;
    byId(`tab-${tab}`).setAttribute("aria-selected", on);
    byId(`tab-${tab}`).tabIndex = on ? 0 : -1;
  }
}

export function wireTabs() {
  for (const name of TABS) byId(`tab-${name}`).addEventListener("click", () => showTab(name));
  document.querySelector(".tabs").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = TABS[(TABS.indexOf(document.body.dataset.tab) + by + TABS.length) % TABS.length];
    showTab(next);
    byId(`tab-${next}`).focus();
  });
}

/** `acts` are called by their keys, with Ctrl (or Command). */
export function wireKeys(acts) {
  document.addEventListener("keydown", (event) => {
    const act = (event.ctrlKey || event.metaKey) && !event.altKey && acts[event.key.toLowerCase()];
    if (!act || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    act();
  });
}

export function showKeys() {
  dialog("Keys", { class: "keys" }, el("dl", { class: "facts" }, KEYS.map(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)])));
}
