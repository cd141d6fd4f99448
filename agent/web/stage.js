// The right half: the picture, its time line, and below them whatever was opened last.

import { getJson, query } from "./api.js";
import { button, byId, data, el, oncePerFrame } from "./dom.js";
import { Picture } from "./graph.js";
import { showTab } from "./keyboard.js";
import { View } from "./run.js";
import { documentView, showMark, sourceView } from "./source.js";
import { StepList } from "./steps.js";
import { Timeline } from "./timeline.js";
import { usageLine } from "./words.js";

export class Stage {
  constructor() {
    this.run = null;
    this.upto = null;
    this.node = "";
    this.strategy = null;
    this.corpus = "";
    this.panel = byId("details");
    this.picture = new Picture(byId("picture"), (node) => this.openNode(node, true));
    this.timeline = new Timeline(byId("timeline"), (upto) => this.#moved(upto));
    this.redraw = oncePerFrame(() => this.#draw());
    this.overview();
    this.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.#back(event));
  }

  /** Draws the graph of a strategy, from the server's own layout; once for each. */
  async draw(strategy) {
    if (strategy === this.strategy) return;
    this.strategy = strategy;
    this.picture.draw(await getJson(`/v1/graph${query({ strategy })}`));
    this.redraw();
  }

  /** Shows a run, at its end or as it goes on. */
  show(run, corpus) {
    if (this.run === run) return;
    Object.assign(this, { run, corpus, upto: null, node: "" });
    this.timeline.show(run);
    if (run?.strategy) this.draw(run.strategy);
    this.overview();
    this.redraw();
  }

  /** The run that is shown has grown by an event. */
  grew(run) {
    if (run !== this.run) return;
    if (run.strategy !== this.strategy) this.draw(run.strategy);
    this.timeline.grew();
    this.redraw();
  }

  #moved(upto) {
    this.upto = upto;
    this.redraw();
  }

  #draw() {
    const view = this.run ? this.run.view(this.upto ?? undefined) : new View();
    const live = this.upto !== null || Boolean(this.run && !this.run.over);
    this.picture.show(view, live, this.node);
    byId("graph-title").textContent = this.strategy ? this.strategy.replaceAll("_", " ") : "The graph";
    byId("graph-state").textContent = this.run ? this.#state(view) : "";
    this.list?.update(this.node ? view.steps.filter((step) => step.node === this.node) : view.steps);
  }

  #state(view) {
    if (view.answer) return usageLine(view.answer.usage);
    if (this.run.failure) return "stopped";
    return view.round ? `round ${view.round}` : "starting";
  }

  /** Lists every step of the run. */
  overview() {
    this.node = "";
    this.list = this.run && new StepList(this.run, (passage) => this.openPassage(passage));
    this.#put(this.run ? [el("h2", { tabindex: "-1" }, "Steps"), this.list.box] : [welcome()]);
    this.redraw();
  }

  /** Lists the runs of one node. */
  openNode(node, focus) {
    this.node = node;
    this.list = this.run && new StepList(this.run, (passage) => this.openPassage(passage));
    const none = el("p", { class: "soft none" }, "Not visited in this run.");
    const visited = this.run?.events.some((event) => event.node === node);
    this.#put([this.#head(node), visited ? this.list.box : none], focus);
    this.redraw();
  }

  #head(title) {
    return el("header", { class: "panel-head" }, el("h2", { tabindex: "-1" }, title), this.run && button("All steps", () => this.overview(), { class: "quiet" }));
  }

  /** Opens the passage of a citation; `from` gets the focus back on Escape. */
  openCitation(answer, citation, from) {
    const passage = answer.passages.find((one) => one.id === citation.passage_id);
    this.from = from || this.from;
    this.#source({ passage, citation, all: answer.citations }, (next) => this.openCitation(answer, next));
    const chips = [...document.querySelectorAll(".selected .chip, .stored .chip")];
    (from || chips.find((chip) => chip.dataset.number === String(citation.number)))?.classList.add("open");
  }

  openPassage(passage, from) {
    this.from = from || document.activeElement;
    this.#source({ passage });
  }

  #source(shown, open) {
    const corpus = this.corpus;
    this.#leave();
    this.#put(sourceView({ ...shown, corpus }, open, (about, citation) => this.openDocument(about.document_id, corpus, citation)), true);
  }

  async openDocument(id, corpus, citation) {
    this.#leave();
    try {
      this.#put(await documentView(id, corpus, citation), true);
    } catch (error) {
      this.#put([el("h2", { tabindex: "-1" }, "No such document"), el("p", {}, data(error.message))], true);
    }
  }

  #leave() {
    this.list = null;
    this.node = "";
    this.redraw();
  }

  #put(content, focus) {
    for (const chip of document.querySelectorAll(".chip.open")) chip.classList.remove("open");
    const steps = this.run && !this.list && button("All steps", () => this.overview(), { class: "quiet panel-back" });
    this.panel.replaceChildren(...[content, steps].flat().filter(Boolean));
    this.panel.scrollTop = 0;
    showMark(this.panel);
    if (!focus) return;
    showTab("details");
    this.panel.querySelector("h2")?.focus({ preventScroll: true });
  }

  focus() {
    showTab("details");
    this.panel.querySelector("h2")?.focus();
  }

  #back(event) {
    if (event.defaultPrevented || !this.from?.isConnected) return;
    showTab("chat");
    this.from.focus();
  }
}

const welcome = () =>
  el("p", { class: "soft none" }, "Ask something, and every step of the search can be opened here: what went in, what came out, how long it took.");
