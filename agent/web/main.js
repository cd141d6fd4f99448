// The page: which parts there are, and what the address asks to be shown.

import { getJson, onTokenWanted } from "./api.js";
import { Chat } from "./chat.js";
import { showCorpus } from "./corpus.js";
import { byId, data, dialog, el, say } from "./dom.js";
import { showHistory } from "./history.js";
import { showKeys, showTab, wireKeys, wireTabs } from "./keyboard.js";
import { Stage } from "./stage.js";
import { showBeside, showStored } from "./stored.js";
import { upload, wireDrop } from "./upload.js";

const session = {};
const stage = new Stage();
const run = /^\/runs\/([^/]+)/.exec(location.pathname)?.[1];
const asked = new URLSearchParams(location.search);

onTokenWanted((wrong) => {
  const field = el("input", { type: "password", name: "token", autocomplete: "off", "aria-label": "Token", required: true });
  const form = el("form", { method: "dialog", class: "token" }, el("p", {}, wrong ? "The server does not know this token." : "This server asks for a token."), field, el("button", { class: "primary" }, "Go on"));
  const box = dialog("Token", { class: "small-dialog" }, form);
  return new Promise((given) => form.addEventListener("submit", () => (given(field.value), box.close())));
});

wireTheme();
wireTabs();
start().catch((error) => byId("turns").replaceChildren(el("div", { class: "greeting" }, el("h2", {}, "Suffice cannot be reached."), el("p", { class: "soft" }, data(error.message), " ", error.next))));

async function start() {
  await learn();
  const chat = new Chat(session, stage);
  chat.corpus = asked.get("corpus") || session.corpora[0]?.name || "";
  wire(chat);
  await show(chat);
  document.documentElement.dataset.ready = "";
}

/** Asks the server what there is. */
async function learn() {
  Object.assign(session, await getJson("/v1/session"));
}

async function show(chat) {
  named(chat);
  if (run && asked.get("beside")) return showBeside(decodeURIComponent(run), asked.get("beside"));
  const drawn = stage.draw(session.strategies[0]);
  if (run) return showStored(decodeURIComponent(run), stage);
  if (asked.get("thread")) await chat.open(asked.get("thread"));
  else await chat.resume();
  named(chat);
  if (asked.get("document")) stage.openDocument(asked.get("document"), chat.corpus);
  if (asked.get("ask")) take(chat, asked.get("ask"));
  return drawn;
}

/** A question in the address is put in the field: a link alone must not spend anything. */
function take(chat, question) {
  history.replaceState(null, "", "/");
  chat.edit(question);
}

function wire(chat) {
  const pick = (name) => ((chat.corpus = name), named(chat), chat.turns.length || chat.fresh());
  const relearn = async () => (await learn(), named(chat), chat.turns.length || chat.fresh());
  const add = (files) => upload(files, chat.corpus, relearn);
  const acts = { picked: pick, document: (id) => stage.openDocument(id, chat.corpus), add, changed: relearn };
  const openThread = async (id) => (run ? location.assign(`/?thread=${encodeURIComponent(id)}`) : chat.open(id));
  const past = () => showHistory(session.keeps_runs, openThread);
  byId("corpus-open").addEventListener("click", () => showCorpus(session, chat.corpus, acts));
  byId("history-open").addEventListener("click", past);
  byId("keys-open").addEventListener("click", showKeys);
  byId("new").addEventListener("click", () => (run ? location.assign("/") : (chat.fresh(), showTab("chat"))));
  wireKeys({ k: () => (showTab("chat"), chat.field.focus()), ".": () => chat.stop(), "/": showKeys, y: past });
  wireDrop(add);
  strategies();
}

function named(chat) {
  const corpus = session.corpora.find((one) => one.name === chat.corpus);
  byId("corpus-open").replaceChildren(corpus ? data(corpus.name) : "Corpus", corpus ? el("span", { class: "soft" }, ` ${corpus.documents}`) : "");
  byId("corpus-open").setAttribute("aria-label", corpus ? `Corpus ${corpus.name}, ${corpus.documents} documents` : "Corpus");
}

function strategies() {
  const field = byId("strategy");
  field.hidden = session.strategies.length < 2;
  field.replaceChildren(...session.strategies.map((name) => el("option", { value: name }, name.replaceAll("_", " "))));
  field.addEventListener("change", () => stage.run || stage.draw(field.value));
}

function wireTheme() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => {
    byId("theme").textContent = dark() ? "☀" : "☾";
    byId("theme").setAttribute("aria-label", dark() ? "Light colours" : "Dark colours");
  };
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    localStorage.setItem("suffice.theme", root.dataset.theme);
    name();
    say(`${root.dataset.theme} colours`);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
}
