// Builds nodes. What comes from documents, models and people enters as text alone:
// nothing on this page parses HTML, and no link is made from data.

const SVG = "http://www.w3.org/2000/svg";

/** Returns an element; `props` are attributes, `on` its listeners, children nodes or text. */
export function el(name, props = {}, ...children) {
  return filled(document.createElement(name), props, children);
}

/** The same for SVG. */
export function svg(name, props = {}, ...children) {
  return filled(document.createElementNS(SVG, name), props, children);
}

function filled(node, { on = {}, ...props }, children) {
  for (const [key, value] of Object.entries(props)) {
    if (value === false || value == null) continue;
    node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const [type, listener] of Object.entries(on)) node.addEventListener(type, listener);
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

export function button(label, action, props = {}) {
  return el("button", { type: "button", ...props, on: { click: action } }, label);
}

/** Text of unknown direction, isolated so that it cannot turn its neighbours round. */
export function data(text, name = "bdi", props = {}) {
  return el(name, { dir: "auto", ...props }, text);
}

/** A fold: a line that opens what lies under it. `fill` is called when it first opens. */
export function fold(summary, fill, { open = false, ...props } = {}) {
  const box = el("details", props, el("summary", {}, summary));
  let filledYet = false;
  const fillOnce = () => {
    if (!filledYet) box.append(...[fill()].flat());
    filledYet = true;
  };
  box.addEventListener("toggle", () => box.open && fillOnce());
  if (open) {
    fillOnce();
    box.open = true;
  }
  return box;
}

/** Says something to a screen reader, once, without moving the focus. */
export function say(text) {
  const line = byId("said");
  if (line.textContent !== text) line.textContent = text;
}

/** Calls `draw` at most once a frame, however often it is asked to. */
export function oncePerFrame(draw) {
  let asked = 0;
  return () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      draw();
    });
  };
}

/** Opens a dialog built afresh, and returns it; it is gone once closed. */
export function dialog(title, props, ...children) {
  const close = button("Close", () => box.close(), { class: "quiet close" });
  const head = el("div", { class: "dialog-head" }, el("h2", { id: "dialog-title" }, title), close);
  const box = el("dialog", { "aria-labelledby": "dialog-title", ...props }, head, ...children);
  box.addEventListener("close", () => box.remove());
  box.addEventListener("click", (event) => event.target === box && box.close());
  document.body.append(box);
  box.showModal();
  return box;
}
