// The one place that talks to the server: JSON, uploads and event streams.

const KEY = "suffice.token";
const RETRIES = [200, 500, 1000, 2000, 4000];

let askForToken = null;

/** `ask` is called when the server wants a token; it returns a promise of one. */
export function onTokenWanted(ask) {
  askForToken = ask;
}

/** What the server refused, in its own words. `status` is 0 where it was not reached. */
export class ApiError extends Error {
  constructor(status, { type = "", message = "", what_to_do: next = "" }) {
    super(message || `The server answered ${status}.`);
    Object.assign(this, { status, type, next });
  }
}

export async function request(path, { method = "GET", json, body, headers = {}, signal } = {}) {
  const sent = { ...headers };
  const token = sessionStorage.getItem(KEY);
  if (token) sent.Authorization = `Bearer ${token}`;
  if (json) sent["Content-Type"] = "application/json";
  const init = { method, headers: sent, signal, body: json ? JSON.stringify(json) : body };
  const reply = await reached(path, init);
  if (reply.status === 401 && askForToken) {
    sessionStorage.setItem(KEY, await askForToken(Boolean(token)));
    return request(path, { method, json, body, headers, signal });
  }
  if (!reply.ok) throw new ApiError(reply.status, await refusal(reply));
  return reply;
}

async function reached(path, init) {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { message: "The server cannot be reached.", what_to_do: "Is suffice serve still running?" });
  }
}

async function refusal(reply) {
  try {
    const said = await reply.json();
    return said.error || { message: said.detail && String(said.detail) };
  } catch {
    return {};
  }
}

export const getJson = async (path, options) => (await request(path, options)).json();

export const query = (values) => {
  const given = Object.entries(values).filter(([, value]) => value != null && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

/** Yields the events of one stream: {id, event, data}, data parsed. */
export async function* streamed(path, options = {}) {
  const headers = { Accept: "text/event-stream", ...options.headers };
  const reply = await request(path, { ...options, headers });
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const message = parsed(block);
      if (message) yield message;
    }
  }
}

function parsed(block) {
  const message = { id: "", event: "message", data: "" };
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([a-z]+): ?(.*)$/.exec(line) || [];
    if (field === "data") message.data += value;
    else if (field) message[field] = value;
  }
  return message.data ? { ...message, data: JSON.parse(message.data) } : null;
}

/**
 * Follows a run to its end and calls `heard` with each event. A broken connection is
 * taken up again where it broke, by the id of the last event that arrived.
 */
export async function follow(first, heard, signal) {
  const at = { run: first.run || "", last: "" };
  let attempt = 0;
  for (;;) {
    try {
      if (await listen(at, first, (event) => ((attempt = 0), heard(event)), signal)) return;
    } catch (error) {
      if (!(error instanceof TypeError) && !(error.status === 0 && at.run)) throw error;
    }
    if (!at.run || attempt === RETRIES.length) throw new ApiError(0, { message: "The connection to the server broke." });
    await new Promise((wake) => setTimeout(wake, RETRIES[attempt++]));
  }
}

/** Listens once; returns whether the run was heard to its end. */
async function listen(at, first, heard, signal) {
  const again = { headers: at.last ? { "Last-Event-ID": at.last } : {}, signal };
  const stream = at.run
    ? streamed(`/v1/runs/${encodeURIComponent(at.run)}/events`, again)
    : streamed("/v1/ask", { method: "POST", json: { ...first.ask, stream: true, resume: true }, signal });
  for await (const { id, event, data } of stream) {
    if (event === "error") throw new ApiError(500, data.error || data);
    at.last = id || at.last;
    at.run ||= data.run_id || "";
    heard(data);
    if (data.type === "run_finished") return true;
  }
  return false;
}
