// The official JavaScript client against the interoperability host: every method of its hub, over each
// transport, in both protocols, with and without stateful reconnect.
//
// cargo build -p signalr --example interop
// INTEROP=$PWD/target/debug/examples/interop node --test end2end/signalr/interop.test.mjs

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";

import { COMBINATIONS, build, drain, startHost, using } from "./host.mjs";

const require = createRequire(import.meta.url);
const { HttpTransportType, Subject } = require("@microsoft/signalr");

const METHODS = [
  "Echo",
  "EchoComplexObject",
  "EmptyStream",
  "GetActiveTransportName",
  "GetCallerConnectionId",
  "GetContentTypeHeader",
  "GetCookie",
  "GetHeader",
  "GetNumRedirects",
  "InfiniteStream",
  "InvokeWithString",
  "SendComplexObject",
  "SendCustomObject",
  "Stream",
  "StreamThrowException",
  "StreamingConcat",
  "ThrowException",
];

let host;

before(async () => {
  host = await startHost();
});

after(() => host.stop());

/** The next call of a client method. */
const calling = (connection, name) => new Promise((resolve) => connection.on(name, (...values) => resolve(values)));

const failing = (message) => (error) => {
  assert.equal(error.message, message);
  return true;
};

const WAYS = COMBINATIONS.flatMap(([transport, protocol]) => [false, true].map((stateful) => ({ transport, protocol, stateful })));

for (const { transport, protocol, stateful } of WAYS) {
  const binary = protocol.name === "messagepack";
  const called = new Set();

  /** Remembers which methods were called. */
  const noting = (connection) => {
    for (const way of ["invoke", "send", "stream"]) {
      const own = connection[way].bind(connection);
      connection[way] = (method, ...values) => {
        called.add(method);
        return own(method, ...values);
      };
    }
    return connection;
  };
  const connection = (path) => noting(build(host.http + path, { transport, protocol, stateful }));
  const hub = (body, path = "/testhub") => () => using(connection(path), body);

  describe(`${protocol.name} over ${HttpTransportType[transport]}${stateful ? ", stateful" : ""}`, () => {
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
      const message = calling(c, "message");
      assert.equal(await c.invoke("InvokeWithString", "你好"), null, "void is null");
      assert.deepEqual(await message, ["你好"]);
    }));

    test("SendCustomObject calls CustomObject", hub(async (c) => {
      const object = calling(c, "CustomObject");
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
      const cancelled = calling(c, "StreamCanceled");
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
      // Of the last request before the hub's connected hook ran: the handshake, which is text in both
      // protocols, or already the first call.
      const types = transport === HttpTransportType.WebSockets ? [null] : ["text/plain;charset=UTF-8", "application/octet-stream"];
      const type = await c.invoke("GetContentTypeHeader");
      assert.ok(types.includes(type), `${type}`);
    }));

    test("GetNumRedirects reads the query that a redirect added", async () => {
      const count = () => hub((c) => c.invoke("GetNumRedirects"), `/redirect?numRedirects=0&baseUrl=${host.http}`)();
      const first = await count();
      assert.equal(await count(), first + 1);
    });

    test("/clientresult asks the client", hub(async (c) => {
      const ask = async () => (await fetch(`${host.http}/clientresult/${c.connectionId}`)).text();
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

    if (transport === HttpTransportType.WebSockets) {
      const lose = (c) => c.connection.transport._webSocket.terminate();

      test(`a lost socket is ${stateful ? "not noticed by a call" : "a new connection"}`, hub(async (c) => {
        const id = c.connectionId;
        const again = new Promise((resolve) => c.onreconnected(resolve));
        if (!stateful) {
          lose(c);
          assert.notEqual(await again, id);
          return;
        }
        const upload = new Subject();
        const answer = c.invoke("StreamingConcat", upload);
        upload.next("before ");
        lose(c);
        upload.next("after");
        upload.complete();
        assert.equal(await answer, "before after");
        assert.equal(await c.invoke("GetCallerConnectionId"), id);
      }));
    }

    test("every method of the hub was called", () => {
      const missing = METHODS.filter((method) => !called.has(method));
      assert.deepEqual(missing, []);
    });
  });
}
