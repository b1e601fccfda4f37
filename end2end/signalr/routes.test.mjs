// The routes of the interoperability host beside its first hub, with the official JavaScript client.
//
// cargo build -p signalr --example interop
// INTEROP=$PWD/target/debug/examples/interop node --test end2end/signalr/routes.test.mjs

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";

import { build, startHost, using } from "./host.mjs";

const require = createRequire(import.meta.url);
const { HttpTransportType, HubConnectionBuilder, LogLevel } = require("@microsoft/signalr");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");

const { WebSockets, ServerSentEvents, LongPolling } = HttpTransportType;

let host;
let url;

before(async () => {
  host = await startHost();
  url = host.http;
});

after(() => host.stop());

describe("the other routes", () => {
  test("/testhub-nowebsockets offers events for JSON and polls for MessagePack", async () => {
    const name = (options) => using(build(`${url}/testhub-nowebsockets`, options), (c) => c.invoke("GetActiveTransportName"));
    assert.equal(await name({}), "ServerSentEvents");
    assert.equal(await name({ protocol: new MessagePackHubProtocol() }), "LongPolling");
  });

  test("negotiation can be skipped", async () => {
    const options = { transport: WebSockets, skipNegotiation: true };
    await using(build(`${url}/testhub`, options), async (c) => {
      assert.equal(c.connectionId, null);
      assert.equal(await c.invoke("Echo", "x"), "x");
    });
  });

  test("/bad-negotiate is a 400 with words", async () => {
    await assert.rejects(build(`${url}/bad-negotiate`).start(), /Some response from server|400/);
  });

  for (const transport of [WebSockets, ServerSentEvents, LongPolling]) {
    test(`/authorizedhub wants a token over ${HttpTransportType[transport]}`, async () => {
      await assert.rejects(build(`${url}/authorizedhub`, { transport }).start(), /Unauthorized|401/);
      const token = async () => (await fetch(`${url}/generateJwtToken`)).text();
      await using(build(`${url}/authorizedhub`, { transport, accessTokenFactory: token }), async (c) => {
        assert.equal(await c.invoke("Echo", "x"), "x");
      });
    });
  }

  test("/uncreatable closes with the reason", async () => {
    const c = new HubConnectionBuilder().configureLogging(LogLevel.None).withUrl(`${url}/uncreatable`).build();
    const closed = new Promise((resolve) => c.onclose(resolve));
    const error = await c.start().then(() => closed, (reason) => reason);
    assert.match(String(error), /Connection closed with an error/);
  });

  test("/echo gives bytes back without a hub, also after a redirect with 307", async () => {
    const moved = await fetch(`${url}/echoredirect/negotiate?x=1`, { method: "POST", redirect: "manual" });
    assert.equal(moved.status, 307);
    assert.equal(moved.headers.get("location"), "/echo/negotiate?x=1");
    const negotiated = await (await fetch(`${url}/echoredirect/negotiate?negotiateVersion=1`, { method: "POST" })).json();
    const poll = `${url}/echo?id=${negotiated.connectionToken}`;
    assert.equal(await (await fetch(poll)).text(), "", "the first poll is answered at once");
    await fetch(poll, { method: "POST", body: "hello" });
    assert.equal(await (await fetch(poll)).text(), "hello");
    assert.equal((await fetch(poll, { method: "DELETE" })).status, 202);
  });

  test("CORS mirrors the origin, allows credentials and answers OPTIONS with 204", async () => {
    const headers = { Origin: "http://localhost:9876", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-requested-with" };
    const answer = await fetch(`${url}/testhub/negotiate`, { method: "OPTIONS", headers });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get("access-control-allow-origin"), "http://localhost:9876");
    assert.equal(answer.headers.get("access-control-allow-credentials"), "true");
    assert.equal(answer.headers.get("access-control-allow-headers"), "x-requested-with");
  });
});
