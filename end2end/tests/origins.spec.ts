// An app on another origin uses the hub once a service named that origin, and not before.
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { must, publish, token } from "../api";
import { expect, forgive, test } from "../page";
import { hire } from "../people";
import { ready } from "../server";

const CLIENT = createRequire(import.meta.url).resolve("@microsoft/signalr/dist/browser/signalr.js");
/** Not the service of the screens and of all other tests. */
const SERVICE = "payroll";
const WAYS = { WebSockets: 1, ServerSentEvents: 2, LongPolling: 4 };

const PAGE = `<!doctype html><html lang="en"><title>An app of theirs</title><link rel="icon" href="data:,">
<script src="/signalr.js"></script><script>
  window.heard = [];
  window.join = (hub, token, transport) => {
    const connection = new signalR.HubConnectionBuilder()
      .withUrl(hub, { accessTokenFactory: () => token, transport })
      .configureLogging(signalR.LogLevel.None).build();
    connection.on("Greeting", () => {});
    connection.on("DocumentApproved", (item) => window.heard.push(item.title));
    return connection.start().then(() => connection.state);
  };
</script>`;

let site: Server;
let origin = "";

test.beforeEach(async () => {
  site = createServer((request, response) => {
    const script = request.url === "/signalr.js";
    response.setHeader("Content-Type", script ? "text/javascript" : "text/html; charset=utf-8");
    response.end(script ? readFileSync(CLIENT) : PAGE);
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
});

test.afterEach(async () => {
  await allow([]);
  site.closeAllConnections();
  site.close();
});

async function allow(origins: string[]): Promise<void> {
  await must("PUT", `/services/${SERVICE}`, { name: "Payroll", allowed_origins: origins });
}

for (const [way, transport] of Object.entries(WAYS)) {
  test(`another origin, ${way}: refused, then allowed`, async ({ page, complaints }) => {
    const [{ key }] = await hire(["employee"]);
    const pass = [ready().hub, token(key, { sid: SERVICE }), transport] as const;
    const join = () => page.evaluate(([hub, token, way]) => (window as any).join(hub, token, way), pass);
    await page.goto(origin);

    await expect(join()).rejects.toThrow();
    expect(forgive(complaints, /CORS policy|Failed to load resource|WebSocket connection/)).toBeGreaterThan(0);

    await allow(["https://app.example.com", origin]);
    await expect.poll(() => join().catch(() => "refused")).toBe("Connected");
    forgive(complaints, /CORS policy|Failed to load resource/); // until the server had heard of it
    await publish({ to: key, kind: "DocumentApproved", title: "over there" });
    await expect.poll(() => page.evaluate(() => (window as any).heard)).toContain("over there");
  });
}

test("an allowed origin is not allowed for another service", async ({ page, complaints }) => {
  const [{ key }] = await hire(["employee"]);
  await allow([origin]);
  await page.goto(origin);
  const join = (sid: string) =>
    page
      .evaluate(([hub, token]) => (window as any).join(hub, token, 1), [ready().hub, token(key, { sid })])
      .catch(() => "refused");
  await expect.poll(() => join(SERVICE)).toBe("Connected");
  expect(await join(ready().service ?? "")).toBe("refused");
  forgive(complaints, /CORS policy|Failed to load resource|WebSocket connection/);
});
