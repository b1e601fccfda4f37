// Stateful reconnect with the official JavaScript client through a TCP proxy that cuts the socket after
// exactly so many bytes: 200 places drawn from the whole exchange, in both directions and protocols.
// Nothing is lost or doubled in either direction. The same places on every run; others: SEED=n.
//
// cargo build -p signalr --example interop
// INTEROP=$PWD/target/debug/examples/interop node --test end2end/signalr/proxy.test.mjs

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import net from "node:net";
import { after, before, describe, test } from "node:test";

import { drain, startHost } from "./host.mjs";
import { random } from "./values.mjs";

const require = createRequire(import.meta.url);
const { HttpTransportType, HubConnectionBuilder, JsonHubProtocol, LogLevel, Subject } = require("@microsoft/signalr");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");

const SEED = Number(process.env.SEED ?? 20261122);
const CUTS = 50; // for each protocol and direction
const AT_ONCE = 25;
const ROUNDS = 4;
const CALLS = 8; // in each round, without waiting between them
const PROTOCOLS = { json: new JsonHubProtocol(), messagepack: new MessagePackHubProtocol() };

let host;

before(async () => {
  host = await startHost();
});

after(() => host.stop());

/** Passes bytes on, and counts those of the first WebSocket; ends it after byte `at` in one direction. */
class Wire {
  carried = { up: 0, down: 0 };
  cut = false;
  #sockets = new Set();
  #server = net.createServer((near) => this.#accept(near));
  #first;

  constructor(direction, at) {
    this.direction = direction;
    this.at = at;
  }

  async listen() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #accept(near) {
    const { hostname, port } = new URL(host.http);
    const pair = { near, far: net.connect(Number(port), hostname), over: false };
    for (const [socket, other, direction] of [[near, pair.far, "up"], [pair.far, near, "down"]]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("data", (bytes) => this.#carry(pair, other, direction, bytes));
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        if (!pair.over) other.destroy();
      });
    }
  }

  #carry(pair, target, direction, bytes) {
    if (pair.over) return;
    if (!this.#first && direction === "up" && /^GET .*\r\n(.+\r\n)*upgrade: websocket/i.test(bytes.toString("latin1"))) {
      this.#first = pair;
    }
    if (pair !== this.#first) {
      target.write(bytes);
      return;
    }
    const left = direction === this.direction ? this.at - this.carried[direction] : Infinity;
    this.carried[direction] += Math.min(left, bytes.length);
    if (left > bytes.length) {
      target.write(bytes);
      return;
    }
    this.cut = pair.over = true;
    const end = () => {
      pair.near.destroy();
      pair.far.destroy();
    };
    if (left > 0) target.write(bytes.subarray(0, left), end);
    else end();
  }
}

/** Calls, an upload and streams over one connection; what went wrong is thrown. */
async function exchange(protocol, wire, texts) {
  const connection = new HubConnectionBuilder()
    .configureLogging(LogLevel.None)
    .withUrl(`${await wire.listen()}/testhub`, { transport: HttpTransportType.WebSockets })
    .withHubProtocol(PROTOCOLS[protocol])
    .withStatefulReconnect()
    .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => 0 })
    .build();
  let noticed = 0;
  connection.onreconnecting(() => noticed++);
  const heard = [];
  connection.on("Message", (text) => {
    heard.push(text);
  });
  await connection.start();
  const started = { ...wire.carried };
  try {
    const id = connection.connectionId;
    const upload = new Subject();
    const whole = connection.invoke("StreamingConcat", upload);
    for (let round = 0; round < ROUNDS; round++) {
      const said = texts.slice(round * CALLS, (round + 1) * CALLS);
      const calls = said.flatMap((text) => {
        upload.next(text);
        return [connection.invoke("InvokeWithString", text), connection.send("InvokeWithString", `${text}!`)];
      });
      const items = drain(connection.stream("Stream"));
      await Promise.all(calls);
      assert.deepEqual(await items, ["a", "b", "c"]);
    }
    upload.complete();
    assert.equal(await whole, texts.join(""));
    // Frames hold a varying number of messages, so the end may be some bytes nearer than it was measured.
    while (wire.at !== undefined && !wire.cut) assert.equal(await connection.invoke("Echo", "more"), "more");
    // What comes twice comes before what is asked for now.
    assert.equal(await connection.invoke("GetCallerConnectionId"), id);
    assert.deepEqual(heard, texts.flatMap((text) => [text, `${text}!`]));
    assert.equal(noticed, 0, "the loss was noticed");
    return { from: started, to: wire.carried };
  } finally {
    await connection.stop();
    wire.close();
  }
}

/** Runs `work` for each, so many at a time. */
async function forEach(all, work) {
  const left = all.values();
  const worker = async () => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

describe(`sockets cut after a number of bytes, seed ${SEED}`, { timeout: 90_000 }, () => {
  ["json", "messagepack"].forEach((protocol, salt) => {
    for (const direction of ["up", "down"]) {
      test(`${protocol}, ${direction}: ${CUTS} places, nothing is lost or doubled`, async () => {
        const r = random(SEED + 2 * salt + (direction === "up" ? 0 : 1));
        const texts = Array.from({ length: ROUNDS * CALLS }, (_, number) => `${number}:${"ä".repeat(r.below(200))};`);
        const { from, to } = await exchange(protocol, new Wire(), texts);
        const span = to[direction] - from[direction];
        const places = Array.from({ length: CUTS }, () => from[direction] + 1 + r.below(span));
        const failures = [];
        await forEach(places, async (at) => {
          const wire = new Wire(direction, at);
          await exchange(protocol, wire, texts).then(
            () => assert.equal(wire.carried[direction], at),
            (error) => failures.push(`after byte ${at}: ${error}`),
          );
        });
        assert.deepEqual(failures, []);
      });
    }
  });
});
