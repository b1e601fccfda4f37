// The interoperability host (server/signalr/examples/interop) and connections to it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const { HttpTransportType, HubConnectionBuilder, JsonHubProtocol, LogLevel } = require("@microsoft/signalr");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");

const { WebSockets, ServerSentEvents, LongPolling } = HttpTransportType;

/** All that exist: Server-Sent Events carry text only. */
export const COMBINATIONS = [
  [WebSockets, new JsonHubProtocol()],
  [ServerSentEvents, new JsonHubProtocol()],
  [LongPolling, new JsonHubProtocol()],
  [WebSockets, new MessagePackHubProtocol()],
  [LongPolling, new MessagePackHubProtocol()],
];

/** Started: its URLs, and how it is stopped. */
export async function startHost(flags = []) {
  if (!process.env.INTEROP) throw new Error("INTEROP must name the built example `interop` of the crate `signalr`");
  const host = spawn(process.env.INTEROP, flags, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: host.stdout }), "line");
  const stop = async () => {
    host.kill("SIGTERM");
    const [code] = await once(host, "exit");
    assert.equal(code, 0, "the host stops cleanly");
  };
  return { ...JSON.parse(line), stop };
}

/** A connection that is not started yet. */
export function build(url, { protocol = new JsonHubProtocol(), stateful = false, ...options } = {}) {
  const builder = new HubConnectionBuilder()
    .configureLogging(LogLevel.None)
    .withUrl(url, options)
    .withHubProtocol(protocol)
    .withAutomaticReconnect();
  return (stateful ? builder.withStatefulReconnect() : builder).build();
}

/** A started connection for `body`, stopped afterwards. */
export async function using(connection, body) {
  await connection.start();
  try {
    return await body(connection);
  } finally {
    await connection.stop();
  }
}

/** All items of a stream. */
export const drain = (stream) =>
  new Promise((resolve, reject) => {
    const items = [];
    stream.subscribe({ next: (item) => items.push(item), complete: () => resolve(items), error: reject });
  });
