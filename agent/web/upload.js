// Adding files, dropped or chosen, with progress as the server tells it.

import { query, streamed } from "./api.js";
import { button, byId, data, el, say } from "./dom.js";
import { count } from "./words.js";

/** Lets a person choose files; resolves with them, or with none. */
export function chooseFiles() {
  return new Promise((chosen) => {
    const field = el("input", { type: "file", multiple: true, hidden: true, "data-upload": true });
    const end = () => (chosen([...field.files]), field.remove());
    field.addEventListener("change", end);
    field.addEventListener("cancel", end);
    document.body.append(field);
    field.click();
  });
}

/** Takes files dropped anywhere on the page. */
export function wireDrop(add) {
  const veil = byId("drop");
  let depth = 0;
  const over = (by) => {
    depth = Math.max(0, depth + by);
    veil.hidden = depth === 0;
  };
  const files = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => files(event) && over(1));
  document.addEventListener("dragleave", (event) => files(event) && over(-1));
  document.addEventListener("dragover", (event) => files(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    over(-depth);
    add([...event.dataTransfer.files]);
  });
}

/** Adds files to a corpus and shows how far it is; `done` is called when all is in. */
export async function upload(files, corpus, done) {
  if (!files.length) return;
  const bar = el("progress", { "aria-label": "Files added" });
  const line = el("span", {}, `Adding ${count(files.length, "file")} …`);
  const note = el("div", { class: "toast" }, line, bar);
  document.body.append(note);
  try {
    const report = await sent(files, corpus, ({ done: ready, total }) => Object.assign(bar, { max: total || 1, value: ready }));
    bar.remove();
    line.replaceChildren(...told(report));
    say(line.textContent);
    await done(report);
  } catch (error) {
    bar.remove();
    line.replaceChildren(data([error.message, error.next].filter(Boolean).join(" ")));
    note.classList.add("bad");
    note.setAttribute("role", "alert");
  }
  note.append(button("Close", () => note.remove(), { class: "quiet small" }));
}

async function sent(files, corpus, progressed) {
  const body = new FormData();
  for (const file of files) body.append("files", file, file.name);
  for await (const { event, data: said } of streamed(`/v1/corpus/documents${query({ corpus })}`, { method: "POST", body })) {
    if (event === "progress") progressed(said);
    if (event === "report") return said;
    if (event === "error") throw Object.assign(new Error((said.error || said).message), { next: (said.error || said).what_to_do });
  }
  throw new Error("The connection broke before everything was added. Add the files again: what is in stays in.");
}

function told(report) {
  const parts = ["added", "updated", "unchanged"].filter((key) => report[key]).map((key) => `${report[key]} ${key}`);
  const failures = report.failed.map(({ source, reason }) => el("span", { class: "failure" }, data(source), ": ", data(reason)));
  return [parts.join(", ") || "Nothing was added", ...failures];
}
