// Our codec, as a process that answers lines (server/signalr/examples/codec_oracle.rs).

import { spawnSync } from "node:child_process";

const program = process.env.CODEC_ORACLE;

/** One answer for each task. */
export function ask(tasks) {
  if (!program) throw new Error("CODEC_ORACLE must name the built example `codec_oracle` of the crate `signalr`");
  const input = tasks.map((task) => JSON.stringify(task)).join("\n");
  const run = spawnSync(program, { input, encoding: "utf8", maxBuffer: 1 << 28 });
  if (run.error) throw run.error;
  if (run.status !== 0) throw new Error(`codec_oracle: ${run.stderr}`);
  const answers = run.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  if (answers.length !== tasks.length) throw new Error(`${answers.length} answers to ${tasks.length} tasks`);
  return answers;
}

export const base64 = (bytes) => Buffer.from(bytes).toString("base64");

/** What a library takes: text for JSON, an ArrayBuffer of its own for MessagePack. */
export function wire(protocol, encoded) {
  const bytes = Buffer.from(encoded, "base64");
  return protocol === "json" ? bytes.toString("utf8") : new Uint8Array(bytes).buffer;
}

/** With bytes as our encoder is told of them. */
export function marked(value) {
  return mapped(value, (bytes) => ({ $bytes: base64(bytes) }));
}

/** As it looks in JSON: bytes in base64, a date as RFC 3339 without an empty fraction. */
export function plain(value) {
  return mapped(value, base64);
}

function mapped(value, ofBytes) {
  if (value instanceof Uint8Array) return ofBytes(value);
  if (value instanceof Date) return value.toISOString().replace(".000Z", "Z");
  if (Array.isArray(value)) return value.map((inner) => mapped(inner, ofBytes));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, mapped(inner, ofBytes)]));
}

/** Without what a library adds, or fills in for what was not sent. */
export function needed(message) {
  const { headers, ...rest } = message;
  const kept = Object.entries(rest).filter(([name, value]) => {
    if (value === undefined) return false;
    if (name === "invocationId" || name === "error") return value !== null;
    if (name === "streamIds") return value.length > 0;
    return name !== "allowReconnect" || value;
  });
  return plain(Object.fromEntries(kept));
}
