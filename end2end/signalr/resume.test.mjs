// Stateful reconnect with the official JavaScript client: every socket is killed again and again in the
// middle of calls, and no call is lost or made twice, in both protocols.
//
// cargo build -p signalr --example chat
// SIGNALR_CHAT=$PWD/target/debug/examples/chat node --test end2end/signalr/resume.test.mjs

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const require = createRequire(import.meta.url);
const { HubConnectionBuilder, LogLevel } = require("@microsoft/signalr");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");

const program = process.env.SIGNALR_CHAT;
const CHAT = 5088; // as the example listens
const CALLS = 200;
const KILL_EVERY = 300; // ms

/** Passes bytes on, and can cut all sockets without a word. */
class Cutter {
  cuts = 0;
  sockets = new Set();
  // Over which the server has said something since the upgrade. The client resumes by one attempt only: who cuts
  // that too, before it is a WebSocket, tests what the client does not promise.
  settled = new Set();
  server = net.createServer((near) => {
    const far = net.connect(CHAT, "127.0.0.1");
    this.sockets.add(near);
    let answered = 0;
    far.on("data", () => {
      answered += 1;
      if (answered > 1) this.settled.add(near);
    });
    const end = () => {
      this.sockets.delete(near);
      this.settled.delete(near);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on("close", end).on("error", end);
    near.pipe(far).pipe(near);
  });

  async listen() {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return `http://127.0.0.1:${this.server.address().port}/chat`;
  }

  cut() {
    this.cuts += this.settled.size;
    for (const socket of this.settled) socket.destroy();
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

describe("stateful reconnect", { skip: program ? false : "SIGNALR_CHAT does not name the built example", timeout: 60_000 }, () => {
  const cutter = new Cutter();
  let chat;
  let url;

  before(async () => {
    chat = spawn(program, { stdio: "ignore" });
    url = await cutter.listen();
    for (let left = 50; ; left--) {
      const answer = await fetch(`http://127.0.0.1:${CHAT}/chat/negotiate`, { method: "POST" }).catch(() => null);
      if (answer?.ok) break;
      assert.ok(left > 0, "the example does not answer");
      await sleep(100);
    }
  });

  after(() => {
    cutter.close();
    chat.kill();
  });

  for (const protocol of ["json", "messagepack"]) {
    test(`${protocol}: sockets are killed, nothing is lost or doubled`, async () => {
      const [ann, bob] = [0, 1].map(() => {
        const builder = new HubConnectionBuilder()
          .withUrl(url)
          .withStatefulReconnect()
          .withAutomaticReconnect()
          .configureLogging(LogLevel.None);
        return (protocol === "messagepack" ? builder.withHubProtocol(new MessagePackHubProtocol()) : builder).build();
      });
      let noticed = 0;
      for (const one of [ann, bob]) one.onreconnecting(() => noticed++);
      const heard = [];
      bob.on("Said", (_name, text) => {
        heard.push(text);
      });
      await Promise.all([ann.start(), bob.start()]);
      const ids = [ann.connectionId, bob.connectionId];
      await ann.invoke("Enter", protocol, "ann");
      await bob.invoke("Enter", protocol, "bob");

      const before = cutter.cuts;
      const killer = setInterval(() => cutter.cut(), KILL_EVERY);
      const said = Array.from({ length: CALLS }, (_, number) => `message ${number}`);
      try {
        for (const text of said) {
          assert.equal(await ann.invoke("Say", text), 1);
          await sleep(8);
        }
      } finally {
        clearInterval(killer);
      }
      while (heard.length < CALLS) await sleep(20);
      await sleep(200); // for doubles, if there were any

      assert.ok(cutter.cuts - before >= 8, `only ${cutter.cuts - before} sockets were killed`);
      assert.deepEqual(heard, said);
      assert.equal(noticed, 0);
      assert.deepEqual([ann.connectionId, bob.connectionId], ids);
      await Promise.all([ann.stop(), bob.stop()]);
    });
  }
});
