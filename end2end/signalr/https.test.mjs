// The official JavaScript client over HTTPS and WSS, with a certificate made here.
//
// cargo build -p signalr --example interop
// INTEROP=$PWD/target/debug/examples/interop node --test end2end/signalr/https.test.mjs

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { selfSigned } from "./certificate.mjs";
import { COMBINATIONS, startHost } from "./host.mjs";

const require = createRequire(import.meta.url);
const { HttpTransportType } = require("@microsoft/signalr");

const run = promisify(execFile);
const script = new URL("over_tls.mjs", import.meta.url).pathname;
const { cert, key } = selfSigned();
let folder;
let host;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "interop-"));
  await writeFile(join(folder, "cert.pem"), cert);
  await writeFile(join(folder, "key.pem"), key, { mode: 0o600 });
  const files = ["--cert", join(folder, "cert.pem"), "--key", join(folder, "key.pem")];
  host = await startHost(["--https", "127.0.0.1:0", ...files]);
});

after(async () => {
  await host?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What the client says of each combination, with these authorities beside the usual ones. */
async function combinations(authorities) {
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: authorities };
  const { stdout } = await run(process.execPath, [script, host.https], { env });
  return stdout.trim().split("\n").map((line) => JSON.parse(line));
}

function negotiate(address, options) {
  return new Promise((resolve, reject) => {
    const { request } = address.startsWith("https") ? https : require("node:http");
    const asked = request(`${address}/testhub/negotiate?negotiateVersion=1`, { method: "POST", ...options }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer));
    });
    asked.on("error", reject).end();
  });
}

describe("over TLS", () => {
  let said;
  before(async () => {
    said = await combinations(join(folder, "cert.pem"));
  });

  COMBINATIONS.forEach(([transport, protocol], place) => {
    const name = HttpTransportType[transport];
    test(`${protocol.name} over ${name}`, () => {
      assert.deepEqual(said[place], {
        transport: name,
        protocol: protocol.name,
        echo: "你好",
        active: name,
        mine: true,
        cookies: ["testValue", null],
        stream: ["a", "b", "c"],
        message: "hello",
      });
    });
  });

  test("a client that does not know the certificate does not connect", async () => {
    await assert.rejects(negotiate(host.https), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    for (const way of await combinations("")) assert.match(way.error, /Failed to complete negotiation/);
  });

  test("cookies are Secure and SameSite=None, and neither over HTTP", async () => {
    const secure = (await negotiate(host.https, { ca: cert })).headers["set-cookie"];
    assert.equal(secure.length, 3);
    for (const cookie of secure) assert.match(cookie, /; SameSite=None; Secure$/);
    const plain = (await negotiate(host.http)).headers["set-cookie"];
    assert.equal(plain.length, 3);
    for (const cookie of plain) assert.doesNotMatch(cookie, /SameSite|Secure/);
  });
});
