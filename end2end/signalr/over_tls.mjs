// What https.test.mjs runs in a process of its own, since Node reads NODE_EXTRA_CA_CERTS when it starts:
// `node over_tls.mjs URL`. One line of JSON for each combination.

import { createRequire } from "node:module";

import { COMBINATIONS, build, drain, using } from "./host.mjs";

const require = createRequire(import.meta.url);
const { HttpTransportType } = require("@microsoft/signalr");

for (const [transport, protocol] of COMBINATIONS) {
  const connection = build(`${process.argv[2]}/testhub`, { transport, protocol });
  const way = { transport: HttpTransportType[transport], protocol: protocol.name };
  try {
    const heard = new Promise((resolve) => connection.on("Message", resolve));
    const said = await using(connection, async (c) => ({
      echo: await c.invoke("Echo", "你好"),
      active: await c.invoke("GetActiveTransportName"),
      mine: (await c.invoke("GetCallerConnectionId")) === c.connectionId,
      cookies: [await c.invoke("GetCookie", "testCookie"), await c.invoke("GetCookie", "expiredCookie")],
      stream: await drain(c.stream("Stream")),
      message: await c.invoke("InvokeWithString", "hello").then(() => heard),
    }));
    console.log(JSON.stringify({ ...way, ...said }));
  } catch (error) {
    console.log(JSON.stringify({ ...way, error: String(error) }));
  }
}
