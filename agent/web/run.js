// A run as its events tell it: what was known after each of them, for live and for replay.

/** The events of one run, and `moments`: the places a replay stops at. */
export class Run {
  constructor() {
    this.events = [];
    this.moments = [];
    this.id = "";
    this.question = "";
    this.asked = "";
    this.thread = "";
    this.strategy = "";
    this.answer = null;
    this.failure = null;
  }

  static of(events) {
    const run = new Run();
    for (const event of events) run.push(event);
    return run;
  }

  push(event) {
    this.events.push(event);
    if (event.type === "run_started") {
      this.id = event.run_id;
      for (const key of ["question", "asked", "thread", "strategy"]) this[key] = event[key] || "";
    }
    if (event.type === "run_finished") this.answer = event.answer;
    this.#mark(event);
  }

  /** Parallel branches start as one, and so do the pieces of a text. */
  #mark(event) {
    const last = this.moments.at(-1);
    const alike = last && last.type === event.type && last.node === event.node && event.type !== "node_finished";
    if (alike) last.upto = this.events.length;
    else this.moments.push({ type: event.type, node: event.node, upto: this.events.length });
  }

  get over() {
    return Boolean(this.answer || this.failure);
  }

  /** What was known after the first `upto` events. */
  view(upto = this.events.length) {
    const view = new View();
    for (const event of this.events.slice(0, upto)) view.take(event);
    return view;
  }
}

/** Steps, visits, taken edges and text after some events. */
export class View {
  constructor() {
    this.steps = [];
    this.nodes = new Map();
    this.edges = new Map();
    this.text = "";
    this.at = 0;
    this.round = 0;
    this.answer = null;
    this.last = "";
    this.group = ["__start__"];
    this.before = [];
    this.byId = new Map();
    this.#visit("__start__");
  }

  take(event) {
    this.at = Math.max(this.at, event.at || 0);
    this[event.type]?.(event);
  }

  node_started(event) {
    const step = { ...event, start: event.at, status: "running", result: {}, seconds: null, error: "" };
    this.steps.push(step);
    this.byId.set(event.id, step);
    this.round = Math.max(this.round, event.round);
    this.#arrive(event.node);
    this.#visit(event.node).running += 1;
  }

  node_finished(event) {
    const step = this.byId.get(event.id);
    if (!step) return;
    const broken = event.error || (event.result.outages || []).length;
    Object.assign(step, { result: event.result, seconds: event.seconds, error: event.error, end: event.at });
    step.status = broken ? "failed" : "done";
    const node = this.nodes.get(step.node);
    node.running -= 1;
    node.failed ||= Boolean(broken);
  }

  token(event) {
    this.text += event.text;
  }

  run_finished(event) {
    this.answer = event.answer;
    this.#arrive("__end__");
    this.#visit("__end__");
  }

  /** Nodes of one kind in a row are the branches of one step: each took the edge to it. */
  #arrive(name) {
    if (name !== this.group[0] || name === "__end__") {
      this.before = this.group;
      this.group = [];
    }
    this.group.push(name);
    this.last = `${this.before[0]}>${name}`;
    this.edges.set(this.last, (this.edges.get(this.last) || 0) + 1);
  }

  #visit(name) {
    const node = this.nodes.get(name) || { visits: 0, running: 0, failed: false };
    node.visits += 1;
    this.nodes.set(name, node);
    return node;
  }
}

/** The branches of a node that ran, or run, side by side last. */
export function branches(view, node) {
  const steps = view.steps.filter((step) => step.node === node);
  const round = steps.at(-1)?.round;
  return steps.filter((step) => step.round === round);
}

export const queryOf = (step) => step.input?.planned?.query || null;

/** What a step came to, in a few words; by what it holds, whatever the node is called. */
export function outcome(step) {
  if (step.status === "running") return "running";
  if (step.error) return step.error;
  const said = [];
  const { result } = step;
  if (result.outages?.length) said.push(result.outages.join("; "));
  if (result.rewritten) said.push(`“${result.rewritten.question}”`);
  if (result.searches) said.push(plural(sum(result.searches, "found"), "passage", "passages"));
  if (result.evidence) said.push(`${result.evidence.length} kept`);
  if (result.findings) said.push(findings(Object.values(result.findings)));
  if (result.queries?.length) said.push(plural(result.queries.length, "query", "queries"));
  if (result.draft) said.push(plural(result.draft.claims.length, "claim", "claims"));
  if (result.dropped?.length) said.push(`${result.dropped.length} dropped`);
  if (result.answer) said.push(result.answer.status);
  return said.filter(Boolean).join(", ");
}

const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`;
const sum = (list, key) => list.reduce((total, item) => total + item[key], 0);

function findings(list) {
  const found = list.filter((finding) => finding.found).length;
  const open = list.length - found;
  return [found && `${plural(found, "part", "parts")} found`, open && `${plural(open, "part", "parts")} missing`].filter(Boolean).join(", ");
}
