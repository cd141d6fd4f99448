// One question and its answer, while it runs and after.

import { answerView, withCitations } from "./answer.js";
import { button, data, el, fold, oncePerFrame, say } from "./dom.js";
import { outcome, queryOf, Run } from "./run.js";
import { STATUS, usageLine } from "./words.js";

export class Turn {
  /** `acts` = {select, cite, passage, wider, again, edit, step}, each called with the turn first. */
  constructor(question, acts) {
    this.run = new Run();
    this.asked = question;
    this.acts = acts;
    this.redraw = oncePerFrame(() => this.#draw());
    this.rewritten = el("p", { class: "rewritten soft", hidden: true });
    this.body = el("div", { class: "turn-body" });
    this.box = el(
      "article",
      { class: "turn", "aria-label": `Question: ${question}` },
      el("header", { class: "asked" }, data(question, "h2"), button("Edit", () => acts.edit(this), { class: "quiet small", "aria-label": "Edit and ask again" })),
      this.rewritten,
      this.body,
    );
    this.live = el("p", { class: "now soft" }, el("span", { class: "pulse", "aria-hidden": "true" }), (this.doing = el("span", {}, "Asking")));
    this.written = data("", "p", { class: "written" });
    this.body.replaceChildren(this.written, this.live);
  }

  push(event) {
    this.run.push(event);
    this.note ||= event.result?.rewritten?.note;
    if (event.type === "run_started" || event.result?.rewritten) this.#started();
    if (event.type === "run_finished") return this.#finished();
    return this.redraw();
  }

  /** The question as it was made to stand alone is shown, so that it can be objected to. */
  #started() {
    const { question, asked } = this.run;
    this.rewritten.hidden = !asked || asked === question;
    this.rewritten.replaceChildren("Asked as ", data(question, "q"), this.note ? ` (${this.note})` : "");
  }

  #draw() {
    if (this.run.over) return;
    const view = this.run.view();
    this.written.textContent = view.text;
    this.doing.textContent = doing(view);
    if (view.round !== this.told) say(`Round ${(this.told = view.round)}`);
  }

  #finished() {
    const { answer } = this.run;
    const acts = Object.fromEntries(["cite", "passage", "wider", "again"].map((name) => [name, (...given) => this.acts[name](this, ...given)]));
    this.body.replaceChildren(answerView(answer, acts), this.#steps(answer.usage), this.#actions(answer));
    const cited = answer.citations.length;
    say(`${STATUS[answer.status]}${cited ? `, ${cited} ${cited === 1 ? "quote" : "quotes"}` : ""}`);
  }

  /** It was stopped, or cannot go on. `next` says what to do. */
  end(message, next = "", bad = true) {
    this.run.failure = message;
    const partial = this.run.view().text;
    this.body.replaceChildren(
      ...[
        partial && data(partial, "p", { class: "written stopped" }),
        el("p", { class: bad ? "verdict bad" : "verdict soft", role: bad ? "alert" : null }, message, next && el("span", { class: "soft" }, ` ${next}`)),
        el("p", { class: "actions" }, button("Ask again", () => this.acts.again(this), { class: "quiet" })),
      ].filter(Boolean),
    );
    say(message);
  }

  #steps(usage) {
    const lines = () => el("ol", { class: "trail" }, this.run.view().steps.map((step) => this.#line(step)));
    return fold(usageLine(usage), lines, { class: "steps-fold" });
  }

  #line(step) {
    const query = queryOf(step);
    const open = button(step.node, () => this.acts.step(this, step.node), { class: "link" });
    return el("li", { class: step.status }, open, " ", query && data(query.text), query && " ", el("span", { class: "soft" }, outcome(step)));
  }

  #actions(answer) {
    const copy = button("Copy", () => this.#copy(answer, copy), { class: "quiet", "aria-label": "Copy with citations" });
    return el(
      "p",
      { class: "actions" },
      copy,
      button("Ask again", () => this.acts.again(this), { class: "quiet" }),
      button("Show steps", () => this.acts.select(this), { class: "quiet" }),
      el("a", { class: "quiet", href: `/runs/${encodeURIComponent(this.run.id)}` }, "Open run"),
    );
  }

  async #copy(answer, copy) {
    await navigator.clipboard.writeText(withCitations(answer));
    copy.textContent = "Copied";
    say("Copied with citations");
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  }
}

/** What goes on at this moment, in a line. */
function doing(view) {
  const running = view.steps.filter((step) => step.status === "running");
  const query = running.length === 1 && queryOf(running[0]);
  if (!running.length) return "Thinking";
  const what = running.length > 1 ? `${running[0].node}, ${running.length} side by side` : running[0].node;
  return `Round ${view.round} · ${what}${query ? ` · ${query.text}` : ""}`;
}
