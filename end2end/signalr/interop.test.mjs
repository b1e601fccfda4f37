// The official JavaScript client against the interoperability host (server/signalr/examples/interop):
// every method of its hub, over each transport and in both protocols.
//
// cargo build -p signalr --example interop
// INTEROP=$PWD/target/debug/examples/interop node --test end2end/signalr/interop.test.mjs

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";

const require = createRequire(import.meta.url);
const { HttpTransportType, HubConnectionBuilder, JsonHubProtocol, LogLevel, Subject } = require("@microsoft/signalr");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");

const { WebSockets, ServerSentEvents, LongPolling } = HttpTransportType;
const COMBINATIONS = [
  [WebSockets, new JsonHubProtocol()],
  [ServerSentEvents, new JsonHubProtocol()],
  [LongPolling, new JsonHubProtocol()],
  [WebSockets, new MessagePackHubProtocol()],
  [LongPolling, new MessagePackHubProtocol()],
];

let host;
let url;

before(async () => {
  if (!process.env.INTEROP) throw new Error("INTEROP must name the built example `interop` of the crate `signalr`");
  host = spawn(process.env.INTEROP, [], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: host.stdout }), "line");
  url = JSON.parse(line).http;
});

after(async () => {
  host.kill("SIGTERM");
  const [code] = await once(host, "exit");
  assert.equal(code, 0, "the host stops cleanly");
});

function build(path, options = {}, protocol = new JsonHubProtocol()) {
  return new HubConnectionBuilder()
    .configureLogging(LogLevel.None)
    .withUrl(path.startsWith("http") ? path : url + path, options)
    .withHubProtocol(protocol)
    .withAutomaticReconnect()
    .build();
}

/** A started connection for `body`, stopped afterwards. */
async function using(connection, body) {
  await connection.start();
  try {
    return await body(connection);
  } finally {
    await connection.stop();
  }
}

/** All items of a stream. */
const drain = (stream) =>
  new Promise((resolve, reject) => {
    const items = [];
    stream.subscribe({ next: (item) => items.push(item), complete: () => resolve(items), error: reject });
  });

/** The next call of a client method. */
const called = (connection, name) => new Promise((resolve) => connection.on(name, (...values) => resolve(values)));

const failing = (message) => (error) => {
  assert.equal(error.message, message);
  return true;
};

for (const [transport, protocol] of COMBINATIONS) {
  const binary = protocol.name === "messagepack";
  const hub = (body) => () => using(build("/testhub", { transport }, protocol), body);

  describe(`${protocol.name} over ${HttpTransportType[transport]}`, () => {
    test("Echo, and send without an answer", hub(async (c) => {
      assert.equal(await c.invoke("Echo", "你好，世界！"), "你好，世界！");
      assert.equal(await c.invoke("eCHO", "case"), "case");
      await c.send("Echo", "nobody hears this");
      assert.equal(await c.invoke("Echo", "x".repeat(20_000)), "x".repeat(20_000));
    }));

    test("GetCallerConnectionId is what the client knows", hub(async (c) => {
      assert.equal(await c.invoke("GetCallerConnectionId"), c.connectionId);
    }));

    test("GetActiveTransportName", hub(async (c) => {
      assert.equal(await c.invoke("GetActiveTransportName"), HttpTransportType[transport]);
    }));

    test("ThrowException tells type and text", hub(async (c) => {
      await assert.rejects(
        c.invoke("ThrowException", "An error occurred."),
        failing("An unexpected error occurred invoking 'ThrowException' on the server. InvalidOperationException: An error occurred."),
      );
    }));

    test("InvokeWithString calls Message", hub(async (c) => {
      const message = called(c, "message");
      assert.equal(await c.invoke("InvokeWithString", "你好"), null, "void is null");
      assert.deepEqual(await message, ["你好"]);
    }));

    test("SendCustomObject calls CustomObject", hub(async (c) => {
      const object = called(c, "CustomObject");
      await c.send("SendCustomObject", { Name: "test", Value: 42 });
      assert.deepEqual(await object, [{ Name: "test", Value: 42 }]);
    }));

    test("EchoComplexObject and SendComplexObject keep bytes and dates", hub(async (c) => {
      const object = {
        ByteArray: binary ? new Uint8Array([0x68, 0x65, 0x6c, 0x6c, 0x6f]) : "aGVsbG8=",
        DateTime: binary ? new Date(Date.UTC(2002, 3, 1, 10, 20, 15)) : "2002-04-01T10:20:15Z",
        GUID: "00010203-0405-0607-0706-050403020100",
        IntArray: [1, 2, 3, 255],
        String: "Hello, World!",
      };
      assert.deepEqual(await c.invoke("EchoComplexObject", object), object);
      assert.deepEqual(await c.invoke("SendComplexObject"), {
        ByteArray: binary ? new Uint8Array([1, 2, 3]) : "AQID",
        DateTime: binary ? new Date(Date.UTC(2000, 0, 1)) : "2000-01-01T00:00:00Z",
        GUID: "00010203-0405-0607-0706-050403020100",
        IntArray: [1, 2, 3],
        String: "hello world",
      });
    }));

    test("Stream and EmptyStream", hub(async (c) => {
      assert.deepEqual(await drain(c.stream("Stream")), ["a", "b", "c"]);
      assert.deepEqual(await drain(c.stream("EmptyStream")), []);
    }));

    test("InfiniteStream hears of its cancellation, also at once", hub(async (c) => {
      const cancelled = called(c, "StreamCanceled");
      c.stream("InfiniteStream").subscribe({ next() {}, complete() {}, error() {} }).dispose();
      await cancelled;
      assert.equal(await c.invoke("Echo", "still here"), "still here");
    }));

    test("StreamThrowException", hub(async (c) => {
      await assert.rejects(
        drain(c.stream("StreamThrowException", "An error occurred.")),
        failing("An unexpected error occurred invoking 'StreamThrowException' on the server. InvalidOperationException: An error occurred."),
      );
    }));

    test("invoke of a stream and stream of a method have their sentences", hub(async (c) => {
      await assert.rejects(
        c.invoke("EmptyStream"),
        failing("The client attempted to invoke the streaming 'EmptyStream' method with a non-streaming invocation."),
      );
      await assert.rejects(
        drain(c.stream("Echo", "42")),
        failing("The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation."),
      );
    }));

    test("unknown methods and wrong arguments", hub(async (c) => {
      const failed = (name) => `Failed to invoke '${name}' due to an error on the server. `;
      await assert.rejects(c.invoke("Nope"), failing(failed("Nope") + "HubException: Method does not exist."));
      await assert.rejects(
        c.invoke("Echo"),
        failing(failed("Echo") + "InvalidDataException: Invocation provides 0 argument(s) but target expects 1."),
      );
    }));

    test("StreamingConcat takes an upload, to its end or to its error", hub(async (c) => {
      const whole = new Subject();
      const answer = c.invoke("StreamingConcat", whole);
      for (const part of ["Hello ", "world", "!"]) whole.next(part);
      whole.complete();
      assert.equal(await answer, "Hello world!");
      const broken = new Subject();
      const failure = c.invoke("StreamingConcat", broken);
      broken.next("Hello ");
      broken.error(new Error("Something bad"));
      // The client puts "Error: " before what it was given.
      await assert.rejects(failure, /^Error: An unexpected error occurred invoking 'StreamingConcat' on the server\. HubException: .*Something bad$/);
    }));

    test("cookies and headers of the request", hub(async (c) => {
      assert.equal(await c.invoke("GetCookie", "testCookie"), "testValue");
      assert.equal(await c.invoke("GetCookie", "testCookie2"), "testValue2");
      assert.equal(await c.invoke("GetCookie", "expiredCookie"), null);
      assert.match(await c.invoke("GetHeader", "User-Agent"), /^Microsoft SignalR\//);
      assert.equal(await c.invoke("GetHeader", "X-Nothing"), null);
    }));

    test("/clientresult asks the client", hub(async (c) => {
      const ask = async () => (await fetch(`${url}/clientresult/${c.connectionId}`)).text();
      assert.match(await ask(), /didn't provide a result|No .*handler|does not/i);
      c.on("Result", () => 42);
      assert.equal(await ask(), "42");
      c.off("Result");
      c.on("Result", () => Promise.reject(new Error("not today")));
      assert.match(await ask(), /not today/);
    }));

    test("comes back with a new id after the server was silent", hub(async (c) => {
      const first = c.connectionId;
      const again = new Promise((resolve) => c.onreconnected(resolve));
      c.serverTimeout();
      assert.notEqual(await again, first);
      assert.equal(await c.invoke("Echo", "again"), "again");
    }));
  });
}

describe("the other routes", () => {
  test("/testhub-nowebsockets offers events for JSON and polls for MessagePack", async () => {
    const name = (protocol) => using(build("/testhub-nowebsockets", {}, protocol), (c) => c.invoke("GetActiveTransportName"));
    assert.equal(await name(new JsonHubProtocol()), "ServerSentEvents");
    assert.equal(await name(new MessagePackHubProtocol()), "LongPolling");
  });

  test("negotiation can be skipped", async () => {
    const options = { transport: WebSockets, skipNegotiation: true };
    await using(build("/testhub", options), async (c) => {
      assert.equal(c.connectionId, null);
      assert.equal(await c.invoke("Echo", "x"), "x");
    });
  });

  test("/redirect leads to the hub, one further each time", async () => {
    const address = `/redirect?numRedirects=0&baseUrl=${url}`;
    const count = () => using(build(address), (c) => c.invoke("GetNumRedirects"));
    const first = await count();
    assert.equal(await count(), first + 1);
  });

  test("/bad-negotiate is a 400 with words", async () => {
    await assert.rejects(build("/bad-negotiate").start(), /Some response from server|400/);
  });

  for (const transport of [WebSockets, ServerSentEvents, LongPolling]) {
    test(`/authorizedhub wants a token over ${HttpTransportType[transport]}`, async () => {
      await assert.rejects(build("/authorizedhub", { transport }).start(), /Unauthorized|401/);
      const token = async () => (await fetch(`${url}/generateJwtToken`)).text();
      await using(build("/authorizedhub", { transport, accessTokenFactory: token }), async (c) => {
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

  test("a stateful connection survives the loss of its socket", async () => {
    const c = new HubConnectionBuilder()
      .configureLogging(LogLevel.None)
      .withUrl(`${url}/testhub`, { transport: WebSockets })
      .withStatefulReconnect()
      .build();
    await using(c, async () => {
      const id = c.connectionId;
      const upload = new Subject();
      const answer = c.invoke("StreamingConcat", upload);
      upload.next("before ");
      c.connection.transport._webSocket.terminate();
      upload.next("after");
      upload.complete();
      assert.equal(await answer, "before after");
      assert.equal(await c.invoke("GetCallerConnectionId"), id);
    });
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
