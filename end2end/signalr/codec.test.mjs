// Our codec against the official JavaScript client's: what the one writes, the other must read as what
// was meant. Some hundreds of messages for each protocol and direction, the same on every run;
// another choice: SEED=n.
//
// cargo build -p signalr --example codec_oracle
// CODEC_ORACLE=$PWD/target/debug/examples/codec_oracle node --test end2end/signalr/

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";

import { ask, base64, marked, needed, wire } from "./oracle.mjs";
import { message, random, text } from "./values.mjs";

const require = createRequire(import.meta.url);
const { JsonHubProtocol, NullLogger } = require("@microsoft/signalr");
const { HandshakeProtocol } = require("@microsoft/signalr/dist/cjs/HandshakeProtocol.js");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");
const { decode } = require("@msgpack/msgpack");

const SEED = Number(process.env.SEED ?? 20261122);
const COUNT = 600;
const THEIRS = { json: new JsonHubProtocol(), messagepack: new MessagePackHubProtocol() };

function generated(protocol, salt) {
  const r = random(SEED + salt);
  return Array.from({ length: COUNT }, () => message(r, protocol === "messagepack"));
}

// Their writer's Close in MessagePack never says more than null.
const theirWriting = (protocol, said) => (protocol === "messagepack" && said.type === 7 ? { type: 7 } : said);

function write(protocol, said) {
  const written = THEIRS[protocol].writeMessage(said);
  return base64(typeof written === "string" ? Buffer.from(written, "utf8") : new Uint8Array(written));
}

const parse = (protocol, bytes) => THEIRS[protocol].parseMessages(wire(protocol, bytes), NullLogger.instance);

for (const protocol of ["json", "messagepack"]) {
  describe(`${protocol}, seed ${SEED}`, () => {
    test("what theirs writes, ours reads", () => {
      const messages = generated(protocol, 1).map((said) => theirWriting(protocol, said));
      const answers = ask(messages.map((said) => ({ do: "decode", protocol, bytes: write(protocol, said) })));
      messages.forEach((said, i) => {
        assert.equal(answers[i].error, undefined, JSON.stringify(said));
        assert.deepEqual(answers[i].messages.map(needed), [needed(said)]);
      });
    });

    test("what theirs writes with headers, ours reads and skips them", () => {
      const messages = generated(protocol, 2).filter((said) => said.type <= 5);
      const headed = messages.map((said) => ({ ...said, headers: { "x-a": "b", c: "ä😀" } }));
      const answers = ask(headed.map((said) => ({ do: "decode", protocol, bytes: write(protocol, said) })));
      messages.forEach((said, i) => assert.deepEqual(answers[i].messages?.map(needed), [needed(said)]));
    });

    test("messages in one piece are read one by one", () => {
      const messages = generated(protocol, 3).map((said) => theirWriting(protocol, said));
      const joined = Buffer.concat(messages.map((said) => Buffer.from(write(protocol, said), "base64")));
      const [answer] = ask([{ do: "decode", protocol, bytes: base64(joined) }]);
      assert.deepEqual(answer.messages.map(needed), messages.map(needed));
    });

    test("what ours writes, theirs reads", () => {
      const messages = generated(protocol, 4);
      const answers = ask(messages.map((said) => ({ do: "encode", protocol, message: marked(said) })));
      messages.forEach((said, i) => {
        assert.equal(answers[i].error, undefined, JSON.stringify(said));
        assert.deepEqual(read(protocol, said, answers[i].bytes).map(needed), [needed(said)]);
      });
    });

    test("what came in the one protocol goes out in the other", () => {
      const other = protocol === "json" ? "messagepack" : "json";
      const messages = generated(protocol, 5).map((said) => theirWriting(protocol, said));
      const answers = ask(messages.map((said) => ({ do: "carry", protocol, to: other, bytes: write(protocol, said) })));
      messages.forEach((said, i) => {
        assert.equal(answers[i].error, undefined, JSON.stringify(said));
        assert.deepEqual(read(other, said, answers[i].bytes).map(needed), [needed(said)]);
      });
    });

    test("their handshake is understood, and ours by them", () => {
      const theirs = new HandshakeProtocol();
      const request = theirs.writeHandshakeRequest({ protocol, version: THEIRS[protocol].version });
      const r = random(SEED);
      // Of a binary response their reader takes each byte for a character.
      const readable = (error) => (protocol === "json" ? error : error.replaceAll(/[^\0-\x7f]/gu, "?"));
      const errors = [null, ...Array.from({ length: 20 }, () => readable(text(r)) || "No.")];
      const [read, ...written] = ask([
        { do: "request", bytes: base64(Buffer.from(request, "utf8")) },
        ...errors.map((error) => ({ do: "response", message: error })),
      ]);
      assert.deepEqual(read.messages, [protocol, THEIRS[protocol].version]);
      errors.forEach((error, i) => {
        // Messages may follow in the same piece.
        const tail = Buffer.from(write(protocol, { type: 6 }), "base64");
        const bytes = Buffer.concat([Buffer.from(written[i].bytes, "base64"), tail]);
        const [rest, response] = theirs.parseHandshakeResponse(wire(protocol, base64(bytes)));
        assert.equal(response.error ?? null, error);
        assert.equal(base64(typeof rest === "string" ? Buffer.from(rest) : new Uint8Array(rest)), base64(tail));
      });
    });
  });
}

/** Only clients send some things, and their reader skips those: they are read without it. */
function read(protocol, said, bytes) {
  const clients = said.type === 4 || said.type === 5 || said.streamIds;
  return clients ? [bare(protocol, bytes)] : parse(protocol, bytes);
}

/** A message by the format alone, in the JSON protocol's words. */
function bare(protocol, encoded) {
  const bytes = Buffer.from(encoded, "base64");
  if (protocol === "json") return JSON.parse(bytes.subarray(0, -1).toString("utf8"));
  const start = bytes.findIndex((byte) => byte < 0x80) + 1;
  const places = decode(bytes.subarray(start));
  const [type, headers, invocationId, target, args, streamIds] = places;
  assert.deepEqual(headers, {});
  assert.equal(places.length, type === 5 ? 3 : 6);
  return { type, invocationId, target, arguments: args, streamIds: streamIds ?? [] };
}
