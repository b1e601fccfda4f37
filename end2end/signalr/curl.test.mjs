// The steps by hand of docs/clients/curl.md, as they are printed there, in one shell: negotiate,
// poll, handshake, call, end; and the same with Server-Sent Events.
//
// cargo build -p signalr --example interop
// INTEROP=$PWD/target/debug/examples/interop node --test end2end/signalr/curl.test.mjs

import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

import { startHost } from "./host.mjs";

const run = promisify(execFile);
const there = spawnSync("curl", ["--version"]).status === 0;
if (!there && process.env.CI) throw new Error("curl is missing, and in CI nothing is skipped");

let folder;
let host;
let blocks;

before(async () => {
  host = await startHost();
  folder = await mkdtemp(join(tmpdir(), "curl-"));
  const page = await readFile(new URL("../../docs/clients/curl.md", import.meta.url), "utf8");
  blocks = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map((block) => block[1]);
});

after(async () => {
  await host?.stop();
  await rm(folder, { recursive: true, force: true });
});

const replaced = (text, old, now) => {
  assert.ok(text.includes(old), `the page has no ${old} any more`);
  return text.replaceAll(old, now);
};

/** What the blocks print, with the host's hub and a method of it in place of Bellhop's. */
async function printed(steps, more) {
  let script = replaced(steps.join("\n"), "https://bell.example/hubs/workflow", `${host.http}/testhub`);
  script = replaced(script, '"AcknowledgeNotification","arguments":["0199…"]', '"Echo","arguments":["ä"]');
  const { stdout } = await run("bash", ["-euc", `export TOKEN=a-token\n${script}\n${more}`], { cwd: folder, timeout: 30_000 });
  return stdout;
}

describe("by hand", { skip: there ? false : "curl is not installed" }, () => {
  test("long polling, step by step", async () => {
    assert.equal(blocks.length, 8, "who, negotiate, first poll, poll, handshake, call, end; events");
    const steps = blocks.slice(0, 7);
    // Between call and end: until the poll in the background has brought the answer and printed it.
    steps.splice(6, 0, "until grep -qs '\"ä\"' answer; do sleep 0.1; done\nsleep 0.3\n");
    const text = await printed(steps, "wait");
    assert.match(text, /"connectionToken":"[^"]+"/);
    assert.match(text, /HTTP\/1.1 200 OK\r\n[^]*content-length: 0/);
    assert.match(text, /^\{\}$/m);
    assert.match(text, /^\{"type":3,"invocationId":"1","result":"ä"\}$/m);
    assert.match(text, /HTTP\/1.1 202 Accepted/);
    assert.match(text, /^over: 204$/m);
  });

  test("Server-Sent Events", async () => {
    const [who, negotiate, , , handshake, call, , events] = blocks;
    const opened = replaced(events, '"$HUB?id=$ID" &', '"$HUB?id=$ID" > events &\nuntil [ -s events ]; do sleep 0.1; done');
    const text = await printed([who, negotiate, opened, handshake, call], "until grep -q '\"ä\"' events; do sleep 0.1; done\nkill %1\ncat events");
    assert.match(text, /^data: \{\}/m);
    assert.match(text, /^data: \{"type":3,"invocationId":"1","result":"ä"\}/m);
  });
});
