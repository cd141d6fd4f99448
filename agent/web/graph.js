// The picture of the compiled graph: places and routes come from the server's layout,
// lights and counts from the events of a run.

import { svg } from "./dom.js";
import { branches } from "./run.js";

const HEIGHT = 34;
const ROW = 54;
const GAP = 21;
const DOT = 6;
const BARS = 6;
const ENDS = { __start__: "start", __end__: "end" };

/** Draws `shape` (the server's nodes and edges) into `box`; `open(node)` is called on Enter or click. */
export class Picture {
  constructor(box, open) {
    this.box = box;
    this.open = open;
    this.shape = null;
    this.upright = null;
    this.nodes = null;
    new ResizeObserver(() => this.#turn()).observe(box);
  }

  draw(shape) {
    this.shape = shape;
    this.upright = null;
    this.#turn();
  }

  /** A narrow place gets the graph from top to bottom. */
  #turn() {
    const upright = this.box.clientWidth < 560;
    if (!this.shape || !this.box.clientWidth || upright === this.upright) return;
    this.upright = upright;
    this.#build();
    if (this.shown) this.show(...this.shown);
  }

  #build() {
    const { nodes, edges } = this.shape;
    this.plan = places(nodes, edges, this.upright);
    this.nodes = new Map();
    this.edges = new Map();
    const lines = svg("g", { "aria-hidden": "true" });
    for (const edge of edges) lines.append(this.#edge(edge));
    const marks = svg("g", {});
    const walk = [...nodes].sort((a, b) => a.layer - b.layer || a.row - b.row);
    for (const node of walk) marks.append(node.id in ENDS ? this.#end(node) : this.#node(node));
    const { width, height } = this.plan;
    const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Nodes of the graph" }, lines, marks);
    drawn.style.maxWidth = `${width * 1.15}px`;
    drawn.addEventListener("keydown", (event) => this.#walk(event));
    this.box.replaceChildren(drawn);
    this.box.querySelector(".node")?.setAttribute("tabindex", "0");
  }

  #node({ id }) {
    const [x, y] = this.plan.at(id);
    const wide = this.plan.wide(id);
    const fan = svg("g", { class: "fan", transform: `translate(${x - wide / 2} ${y + HEIGHT / 2 + 5})` });
    const badge = svg("g", { class: "badge", transform: `translate(${x + wide / 2 - 4} ${y - HEIGHT / 2 + 3})` });
    const count = svg("text", { y: 3.5 });
    badge.append(svg("rect", { x: -11, y: -8, width: 22, height: 16, rx: 8 }), count);
    const group = svg(
      "g",
      { class: "node", role: "button", tabindex: "-1", "data-node": id, on: { click: () => this.open(id), focus: () => this.#rove(id) } },
      svg("rect", { class: "box", x: x - wide / 2, y: y - HEIGHT / 2, width: wide, height: HEIGHT, rx: 8 }),
      svg("text", { x, y: y + 4.5 }, id),
      badge,
      fan,
    );
    this.nodes.set(id, { group, count, fan, wide, fanned: "" });
    return group;
  }

  #end({ id }) {
    const [x, y] = this.plan.at(id);
    const group = svg("g", { class: "end" }, svg("title", {}, ENDS[id]), svg("circle", { cx: x, cy: y, r: DOT }));
    this.nodes.set(id, { group });
    return group;
  }

  #edge(edge) {
    const { curve, head } = line(edge, this.plan);
    const group = svg("g", { class: edge.conditional ? "edge maybe" : "edge" }, svg("path", { d: curve }), svg("path", { class: "head", d: head }));
    this.edges.set(`${edge.source}>${edge.target}`, group);
    return group;
  }

  /** Lights what `view` says; `live` tells whether the last edge is where the run is now. */
  show(view, live, chosen) {
    this.shown = [view, live, chosen];
    if (!this.nodes) return;
    for (const [key, group] of this.edges) {
      group.classList.toggle("taken", view.edges.has(key));
      group.classList.toggle("now", live && key === view.last);
    }
    for (const [id, node] of this.nodes) this.#light(id, node, view, chosen);
  }

  #light(id, node, view, chosen) {
    const { visits = 0, running = 0, failed = false } = view.nodes.get(id) || {};
    const states = { visited: visits > 0, running: running > 0, failed, chosen: id === chosen };
    for (const [name, on] of Object.entries(states)) node.group.classList.toggle(name, on);
    if (id in ENDS) return;
    node.count.textContent = visits > 1 ? `×${visits}` : "";
    node.group.classList.toggle("counted", visits > 1);
    node.group.setAttribute("aria-label", spoken(id, visits, running, failed));
    this.#fan(id, node, view);
  }

  /** One bar a branch, side by side under the node: a query each. */
  #fan(id, node, view) {
    const found = branches(view, id);
    const key = found.length > 1 ? found.map((step) => step.status[0]).join("") : "";
    if (key === node.fanned) return;
    node.fanned = key;
    node.fan.replaceChildren(...(key ? bars(found, node.wide) : []));
  }

  #rove(id) {
    for (const [name, { group }] of this.nodes) if (group.classList.contains("node")) group.setAttribute("tabindex", name === id ? "0" : "-1");
  }

  #walk(event) {
    const id = event.target.dataset?.node;
    if (!id) return;
    if (event.key === "Enter" || event.key === " ") this.open(id);
    else if (!this.#step(id, event.key)) return;
    event.preventDefault();
  }

  /** Arrow keys go to the nearest node that way. */
  #step(id, key) {
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
    if (!way) return false;
    const [x, y] = this.plan.at(id);
    const scored = [...this.nodes.keys()]
      .filter((name) => name !== id && !(name in ENDS))
      .map((name) => [name, this.plan.at(name)])
      .map(([name, [a, b]]) => [name, (a - x) * way[0] + (b - y) * way[1], Math.abs((a - x) * way[1]) + Math.abs((b - y) * way[0])])
      .filter(([, ahead]) => ahead > 1)
      .sort((a, b) => a[1] + 2 * a[2] - b[1] - 2 * b[2]);
    if (scored.length) this.nodes.get(scored[0][0]).group.focus();
    return true;
  }
}

function spoken(id, visits, running, failed) {
  const said = [id, visits ? `${visits} ${visits === 1 ? "visit" : "visits"}` : "not visited"];
  if (running) said.push("running");
  if (failed) said.push("failed");
  return said.join(", ");
}

function bars(steps, wide) {
  const columns = Math.ceil(steps.length / BARS);
  const each = (wide - 3 * (columns - 1)) / columns;
  return steps.map((step, n) =>
    svg("rect", {
      class: `branch ${step.status}`,
      x: Math.floor(n / BARS) * (each + 3),
      y: (n % BARS) * 6,
      width: each,
      height: 3.5,
      rx: 1.75,
    }),
  );
}

/** Turns layers and rows into places. Layers are as wide as what stands in them. */
function places(nodes, edges, upright) {
  const label = (id) => (id in ENDS ? 2 * DOT : Math.max(58, id.length * 7.1 + 20));
  const layers = new Map();
  const all = [...nodes.map((node) => [node.layer, node.row]), ...edges.flatMap((edge) => edge.route)];
  const rows = all.map(([, row]) => row);
  const lift = Math.max(0, ...edges.filter((edge) => edge.arc).map(rise));
  const top = Math.min(...rows, -lift);
  for (const { id, layer } of nodes) layers.set(layer, Math.max(layers.get(layer) || 0, upright ? (id in ENDS ? 2 * DOT : HEIGHT) : label(id)));
  const along = new Map();
  let next = 12;
  for (const layer of [...layers.keys()].sort((a, b) => a - b)) {
    along.set(layer, next + layers.get(layer) / 2);
    next += layers.get(layer) + GAP;
  }
  const pitch = upright ? 104 : ROW;
  const across = (row) => (row - top) * pitch + (upright ? 52 : HEIGHT / 2 + 8);
  const place = ([layer, row]) => (upright ? [across(row), along.get(layer)] : [along.get(layer), across(row)]);
  const where = new Map(nodes.map((node) => [node.id, place([node.layer, node.row])]));
  const long = next - GAP + 12;
  const deep = across(Math.max(...rows)) + (upright ? 52 : HEIGHT / 2 + 20);
  return {
    upright,
    place,
    pitch,
    at: (id) => where.get(id),
    wide: label,
    half: (id) => (id in ENDS ? DOT : (upright ? HEIGHT : label(id)) / 2),
    side: (id) => (upright ? label(id) : HEIGHT) / 2,
    width: upright ? deep : long,
    height: upright ? long : deep,
  };
}

/** How many rows an arc rises above the main way: wider ones over narrower. */
const rise = ({ route }) => 0.4 + 0.22 * Math.abs(route.at(-1)[0] - route[0][0]);

const text = ([x, y]) => `${+x.toFixed(1)},${+y.toFixed(1)}`;

function line(edge, plan) {
  return edge.arc ? arc(edge, plan) : curve(edge, plan);
}

/** Level at each of its points, from side to side. */
function curve({ source, target, route }, plan) {
  const turn = ([x, y]) => (plan.upright ? [y, x] : [x, y]);
  const points = route.map((point) => turn(plan.place(point)));
  points[0] = [points[0][0] + plan.half(source), points[0][1]];
  points[points.length - 1] = [points.at(-1)[0] - plan.half(target) - 1, points.at(-1)[1]];
  let drawn = `M${text(turn(points[0]))}`;
  for (let n = 1; n < points.length; n += 1) {
    const [[x1, y1], [x2, y2]] = [points[n - 1], points[n]];
    const middle = (x1 + x2) / 2;
    drawn += ` C${[[middle, y1], [middle, y2], [x2, y2]].map((p) => text(turn(p))).join(" ")}`;
  }
  return { curve: drawn, head: head(points.at(-1), [1, 0], turn) };
}

/** From top to top, over the nodes between. */
function arc(edge, plan) {
  const { source, target, route } = edge;
  const turn = ([x, y]) => (plan.upright ? [y, x] : [x, y]);
  const [[x1, y], [x2]] = [turn(plan.place(route[0])), turn(plan.place(route.at(-1)))];
  const way = x2 > x1 ? 1 : -1;
  const shift = Math.min(plan.half(source), plan.half(target)) * 0.45 * way;
  const base = y - plan.side(target);
  const high = base - (rise(edge) * plan.pitch - plan.side(target)) * (4 / 3);
  const [from, to] = [x1 + shift, x2 - shift];
  const points = [[from, y - plan.side(source)], [from, high], [to, high], [to, base - 1]].map((p) => text(turn(p)));
  return { curve: `M${points[0]} C${points.slice(1).join(" ")}`, head: head([to, base - 1], [0, 1], turn) };
}

/** A small triangle whose point is at `tip`, pointing along `way`. */
function head([x, y], [dx, dy], turn) {
  const back = [x - 7 * dx, y - 7 * dy];
  const corners = [[x, y], [back[0] + 3.6 * dy, back[1] + 3.6 * dx], [back[0] - 3.6 * dy, back[1] - 3.6 * dx]];
  return `M${corners.map((corner) => text(turn(corner))).join(" L")} Z`;
}
