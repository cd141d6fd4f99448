// Numbers, times and states in words.

export const count = (n, one, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

export function duration(seconds) {
  if (seconds < 0.0095) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 0.95) return `${Math.round(seconds * 100) * 10} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** An unknown price is said to be unknown: it is not nothing. */
export function cost(usd) {
  if (usd == null) return "cost unknown";
  if (!usd) return "$0";
  return usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(2)}`;
}

/** "2 rounds · 5 searches · 1.2 s · $0.0004" */
export function usageLine(usage) {
  const said = [count(usage.rounds, "round"), count(usage.searches, "search", "searches"), duration(usage.seconds)];
  if (usage.llm_calls) said.splice(2, 0, count(usage.llm_calls, "model call"));
  if (usage.cost_usd == null || usage.cost_usd > 0) said.push(cost(usage.cost_usd));
  return said.join(" · ");
}

export function tokens(usage) {
  const all = usage ? usage.input_tokens + usage.output_tokens : 0;
  return all ? count(all, "token") : "";
}

export const percent = (share) => `${Math.round(share * 100)}%`;

export function day(epoch) {
  const date = new Date(epoch * 1000);
  const days = Math.floor((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days < 1) return "Today";
  if (days < 2) return "Yesterday";
  return date.toLocaleDateString(undefined, { day: "numeric", month: "long", year: "numeric" });
}

export const clock = (epoch) =>
  new Date(epoch * 1000).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

const OPERATORS = { eq: "is", in: "in", not_in: "not in", gte: "≥", lte: "≤" };

/** A filter in words: "year ≥ 2021, team is pilots"; "" where there is none. */
export function filter(where) {
  return Object.entries(where || {})
    .flatMap(([field, test]) => {
      const tests = test && typeof test === "object" && !Array.isArray(test) ? test : { eq: test };
      return Object.entries(tests).map(([op, value]) => `${field} ${OPERATORS[op] || op} ${[value].flat().join(", ")}`);
    })
    .join("; ");
}

export const STATUS = { answered: "Answered", partial: "Partly answered", abstained: "Not answered", failed: "Failed" };

/** Why there is no answer, or only part of one: a sentence about the documents, or not about them at all. */
export const REASON = {
  no_evidence: "Nothing in these documents bears on this.",
  insufficient: "The documents do not settle this.",
  conflict: "The documents contradict each other.",
  budget: "The budget was spent before the evidence sufficed.",
  outage: "A part of the system could not be reached.",
};

/** The end of a path, which is what tells files apart. */
export function shortSource(source) {
  const steps = source.split(/[\\/]/);
  return steps.length > 3 ? `…/${steps.slice(-2).join("/")}` : source;
}

const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) || [];

/** The line of a text that shares most words with `sought`, without the marks of tables and headings. */
export function excerpt(text, sought) {
  const wanted = new Set(wordsOf(sought));
  const lines = text.split(/\n+|(?<=[.!?])\s+/).map((line) => line.replace(/^[#>*\s-]+|[*`]+/g, "").replace(/\s*\|\s*/g, "  ").trim());
  const shared = (line) => new Set(wordsOf(line).filter((word) => wanted.has(word))).size;
  const best = lines.filter((line) => /\p{L}/u.test(line)).sort((a, b) => shared(b) - shared(a))[0] || "";
  return best.length > 180 ? `${best.slice(0, 180).replace(/\s\S*$/, "")} …` : best;
}

/** Python counts code points where JavaScript counts UTF-16 units. */
export function codePoints(text) {
  const points = Array.from(text);
  return { length: points.length, slice: (start, end) => points.slice(start, end).join("") };
}
