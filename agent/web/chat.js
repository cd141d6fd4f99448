// The conversation: asking, stopping, asking again, and taking up what was left.

import { follow, getJson, request } from "./api.js";
import { button, byId, data, el } from "./dom.js";
import { Turn } from "./turn.js";

const HERE = "suffice.here";

export class Chat {
  constructor(session, stage) {
    this.session = session;
    this.stage = stage;
    this.turns = [];
    this.running = null;
    this.thread = "";
    this.corpus = "";
    this.box = byId("turns");
    this.field = byId("question");
    this.acts = {
      select: (turn) => this.select(turn, true),
      cite: (turn, citation, from) => (this.select(turn), stage.openCitation(turn.run.answer, citation, from)),
      passage: (turn, passage) => (this.select(turn), stage.openPassage(passage)),
      step: (turn, node) => (this.select(turn), stage.openNode(node, true)),
      wider: (turn) => this.ask(turn.asked, { budget: session.limits.wider, where: null }),
      again: (turn) => this.ask(turn.asked, turn.options),
      edit: (turn) => this.edit(turn.asked),
    };
    this.#wire();
  }

  #wire() {
    byId("composer").addEventListener("submit", (event) => (event.preventDefault(), this.#submit()));
    byId("stop").addEventListener("click", () => this.stop());
    this.field.maxLength = this.session.limits?.question_chars || 8000;
    this.field.addEventListener("input", () => this.#grow());
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
  }

  #grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 180)}px`;
  }

  #submit() {
    const question = this.field.value.trim();
    if (!question || this.running) return;
    this.field.value = "";
    this.#grow();
    this.ask(question);
  }

  edit(question) {
    this.field.value = question;
    this.#grow();
    this.field.focus();
  }

  /** Asks in this conversation, and follows the run to its end. */
  async ask(question, options = {}) {
    if (this.running) return;
    this.thread ||= named();
    const turn = this.#add(question, options);
    const strategy = byId("strategy").value;
    const ask = { question, corpus: this.corpus, thread: this.thread, ...(strategy && { strategy }), ...options };
    await this.#follow(turn, { ask });
  }

  #add(question, options = {}) {
    const turn = new Turn(question, this.acts);
    Object.assign(turn, { options, corpus: this.corpus });
    if (!this.turns.length) this.box.replaceChildren();
    this.turns.push(turn);
    this.box.append(turn.box);
    turn.box.scrollIntoView({ block: "start" });
    this.select(turn);
    return turn;
  }

  async #follow(turn, first) {
    this.#busy(turn);
    try {
      await follow(first, (event) => this.#heard(turn, event), turn.abort.signal);
    } catch (error) {
      turn.end(...(error.name === "AbortError" || error.type === "stopped" ? ["Stopped.", "", false] : [error.message, error.next]));
      this.stage.grew(turn.run);
    }
    this.#idle();
  }

  #heard(turn, event) {
    turn.push(event);
    this.stage.grew(turn.run);
    if (event.type === "run_started") this.#remember(event.run_id);
  }

  #busy(turn) {
    turn.abort = new AbortController();
    this.running = turn;
    byId("send").hidden = true;
    byId("stop").hidden = false;
  }

  #idle() {
    this.running = null;
    byId("stop").hidden = true;
    byId("send").hidden = false;
    this.#remember("");
  }

  /** Keeps, for this tab alone, where the conversation is, so that a reload finds it again. */
  #remember(run) {
    const { thread, corpus } = this;
    sessionStorage.setItem(HERE, JSON.stringify({ thread, corpus, run, question: run && this.running.asked }));
  }

  async stop() {
    const turn = this.running;
    if (!turn) return;
    const { id } = turn.run;
    turn.abort.abort();
    this.field.focus();
    if (id) await request(`/v1/runs/${encodeURIComponent(id)}/stop`, { method: "POST" }).catch(() => {});
  }

  /** Shows the steps of a turn on the right; `open` brings them to the front. */
  select(turn, open = false) {
    for (const one of this.turns) one.box.classList.toggle("selected", one === turn);
    this.stage.show(turn.run, turn.corpus);
    if (open) {
      this.stage.overview();
      this.stage.focus();
    }
  }

  /** Empties the page for a new conversation. */
  fresh() {
    if (this.running) this.stop();
    this.turns = [];
    this.thread = "";
    sessionStorage.removeItem(HERE);
    this.box.replaceChildren(this.greeting());
    this.stage.show(null, this.corpus);
    this.field.focus();
  }

  greeting() {
    const corpus = this.session.corpora.find((one) => one.name === this.corpus) || this.session.corpora[0];
    const holds = corpus?.documents
      ? [`Ask the ${corpus.documents} ${corpus.documents === 1 ? "document" : "documents"} in `, data(corpus.name, "strong"), "."]
      : ["There are no documents here yet."];
    return el(
      "div",
      { class: "greeting" },
      el("h2", {}, holds),
      el("p", { class: "soft" }, "The answer comes with the sentences it stands on. If they do not hold it, you are told so, and what is missing."),
      el("p", { class: "soft" }, "Drop files anywhere on this page to add them, or ", button("choose some", () => byId("corpus-open").click(), { class: "link" }), "."),
    );
  }

  /** Takes up the conversation of this tab after a reload, also in the middle of a run. */
  async resume() {
    const here = JSON.parse(sessionStorage.getItem(HERE) || "null");
    if (!here?.thread) return this.fresh();
    this.corpus = here.corpus || this.corpus;
    await this.open(here.thread, here.run);
    if (here.run) this.#follow(this.#add(here.question), { run: here.run });
    else if (!this.turns.length) this.fresh();
  }

  /** Opens a kept conversation. `but` is a run that is still going on. */
  async open(thread, but = "") {
    this.thread = thread;
    this.turns = [];
    this.box.replaceChildren();
    const kept = await getJson(`/v1/threads/${encodeURIComponent(thread)}`).catch(() => ({ turns: [] }));
    const ended = kept.turns.filter((one) => one.run_id !== but);
    const runs = await Promise.all(ended.map((one) => getJson(`/v1/runs/${encodeURIComponent(one.run_id)}`).catch(() => null)));
    for (const [n, one] of ended.entries()) this.#put(one, runs[n]);
    if (!but) this.#remember("");
  }

  #put(kept, run) {
    const turn = this.#add(kept.asked || kept.question);
    if (!run) return turn.end("The steps of this run are no longer kept.", kept.text, false);
    for (const event of run.events) turn.push(event);
    turn.corpus = run.run.corpus || this.corpus;
    return this.stage.grew(turn.run);
  }
}

/** A name for a conversation that nobody can guess. */
function named() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

