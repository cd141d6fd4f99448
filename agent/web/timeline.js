// The time line of a run: a bar for each visit of a node, branches on lanes of their own,
// and a slider that takes the picture back to any moment.

import { button, el, oncePerFrame, svg } from "./dom.js";
import { queryOf } from "./run.js";
import { duration } from "./words.js";

const STEP_MS = 420;
const LANES = 8;

export class Timeline {
  /** `moved(upto)` is called with how many events are shown, null for all and onwards. */
  constructor(box, moved) {
    this.box = box;
    this.moved = moved;
    this.run = null;
    this.place = null;
    this.timer = 0;
    this.redraw = oncePerFrame(() => this.#draw());
    this.#build();
  }

  #build() {
    this.bars = svg("svg", { class: "lanes", "aria-hidden": "true" });
    this.cursor = el("div", { class: "cursor" });
    this.rounds = el("div", { class: "rounds", role: "group", "aria-label": "Replay a round" });
    const moved = () => (this.#pause(), this.#go(this.#nearest(Number(this.slider.value))));
    this.slider = el("input", { type: "range", min: 0, max: 1, step: "any", "aria-label": "Moment of the run", on: { input: moved, keydown: (event) => this.#key(event) } });
    this.play = button("Play", () => this.#toggle(), { class: "quiet" });
    const back = button("‹", () => this.#step(-1), { class: "quiet icon", "aria-label": "One step back" });
    const on = button("›", () => this.#step(1), { class: "quiet icon", "aria-label": "One step on" });
    this.moment = el("span", { class: "moment soft" });
    this.box.replaceChildren(
      el("div", { class: "track" }, this.bars, this.cursor, this.slider),
      el("div", { class: "player" }, this.play, back, on, this.rounds, this.moment),
    );
  }

  /** Shows `run`, at its end. */
  show(run) {
    this.#pause();
    this.run = run;
    this.place = null;
    this.box.hidden = !run;
    if (run) this.redraw();
  }

  /** The run has grown. */
  grew() {
    this.redraw();
  }

  #draw() {
    if (!this.run) return;
    const view = this.run.view();
    this.total = Math.max(view.at, 0.001);
    this.#lanes(view.steps);
    this.#rounds(view);
    this.#mark();
  }

  #lanes(steps) {
    const { placed, lanes } = laid(steps, this.total);
    const high = Math.min(lanes, LANES) > 4 ? 5 : 8;
    const bars = placed.map(({ step, lane }) => this.#bar(step, lane % LANES, high));
    this.bars.setAttribute("height", Math.min(lanes, LANES) * (high + 2));
    this.bars.replaceChildren(...bars);
  }

  #bar(step, lane, high) {
    const end = step.end ?? this.total;
    const [x, wide] = [(step.start / this.total) * 100, ((end - step.start) / this.total) * 100];
    const query = queryOf(step);
    const label = `${step.node}, round ${step.round}${query ? `: ${query.text}` : ""}`;
    const bar = svg("rect", { class: `visit ${step.status}`, x: `${x}%`, y: lane * (high + 2), width: `${Math.max(wide, 0.5)}%`, height: high, rx: 2 });
    bar.append(svg("title", {}, label));
    return bar;
  }

  #rounds(view) {
    const numbers = [...new Set(view.steps.map((step) => step.round))].filter(Boolean);
    if (numbers.length === this.rounds.childElementCount) return;
    this.rounds.replaceChildren(...numbers.map((n) => button(`Round ${n}`, () => this.#replay(n), { class: "quiet round" })));
  }

  /** Plays one round, from its first event to its last. */
  #replay(round) {
    const inside = (moment) => this.run.events[moment.upto - 1].round === round;
    const first = this.run.moments.findIndex(inside);
    const last = this.run.moments.findLastIndex(inside);
    this.#go(first);
    this.#start(last + 1);
  }

  #toggle() {
    if (this.timer) return this.#pause();
    const { length } = this.run.moments;
    if (this.place === null || this.place >= length) this.#go(0);
    this.#start(length);
  }

  #start(until) {
    this.#pause();
    this.play.textContent = "Pause";
    this.timer = setInterval(() => (this.place !== null && this.place < until ? this.#go(this.place + 1) : this.#pause()), STEP_MS);
  }

  #pause() {
    clearInterval(this.timer);
    this.timer = 0;
    if (this.play) this.play.textContent = "Play";
  }

  #step(by) {
    this.#pause();
    const { length } = this.run.moments;
    this.#go(Math.min(length, Math.max(0, (this.place ?? length) + by)));
  }

  #go(place) {
    const { moments, over } = this.run;
    this.place = place >= moments.length && !over ? null : place;
    this.#mark();
    this.moved(this.place === null ? null : place ? moments[place - 1].upto : 0);
  }

  /** The slider moves in time, its keys from one moment to the next. */
  #key(event) {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!by) return;
    event.preventDefault();
    this.#step(by);
  }

  #nearest(share) {
    const at = share * this.total;
    const after = this.run.moments.findIndex(({ upto }) => this.run.events[upto - 1].at > at);
    return after < 0 ? this.run.moments.length : after;
  }

  #mark() {
    const { moments, events } = this.run;
    const place = this.place ?? moments.length;
    const event = place ? events[moments[place - 1].upto - 1] : null;
    const at = event?.at || 0;
    this.slider.value = at / this.total;
    this.slider.setAttribute("aria-valuetext", event ? spoken(event) : "before the start");
    this.cursor.style.left = `${(at / this.total) * 100}%`;
    this.moment.textContent = `${place}/${moments.length} · ${duration(at)}`;
    const round = event?.round;
    for (const [n, chip] of [...this.rounds.children].entries()) chip.toggleAttribute("data-now", round === n + 1);
  }
}

function spoken(event) {
  const names = { run_started: "run started", token: "writing", run_finished: "run finished" };
  const what = names[event.type] || `${event.node} ${event.type === "node_started" ? "started" : "finished"}, round ${event.round}`;
  return `${what}, ${duration(event.at || 0)}`;
}

/** Puts each step on the first lane that is free when it starts. */
function laid(steps, total) {
  const free = [];
  const placed = steps.map((step) => {
    let lane = free.findIndex((end) => end <= step.start + 1e-6);
    if (lane < 0) lane = free.length;
    free[lane] = step.end ?? total;
    return { step, lane };
  });
  return { placed, lanes: Math.max(1, free.length) };
}
