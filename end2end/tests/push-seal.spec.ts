// Sealing (RFC 8291) and signing (RFC 8292) against an implementation that is not ours: npm's web-push, which most of
// the world sends with, and http_ece, with which it seals.
import { createECDH, createPublicKey, randomBytes, verify } from "node:crypto";
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { expect, test } from "@playwright/test";
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { publish, token, unique } from "../api";
import { browser, makers } from "../makers";
import { hire } from "../people";
import { ready } from "../server";

// Neither has types.
const own = createRequire(import.meta.url);
const webpush = own("web-push");
const ece = own("http_ece");

const MAKERS = ["chrome", "mozilla", "apple", "wns"];

/** A POST to a stand-in, which is told apart by the name of its host. */
async function post(endpoint: string, headers: Record<string, string | number>, body: Buffer): Promise<number> {
  const url = new URL(endpoint);
  return await new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: url.port, path: url.pathname, method: "POST", headers: { ...headers, host: url.host } };
    const sent = request(options, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

for (const maker of MAKERS) {
  test(`what npm's web-push seals and signs, our stand-in of ${maker} opens`, async () => {
    const keys = webpush.generateVAPIDKeys();
    const made = await browser(maker, keys.publicKey);
    const subscription = JSON.parse(made.tokenOrSubscription);
    // Every length around the edges of a block and of our own paddings, and no ASCII.
    for (const length of [0, 1, 15, 16, 17, 255, 256, 1_024, 2_048]) {
      const title = "ü".repeat(length);
      const content = { v: 1, purpose: "notify", notificationId: `n-${length}`, tag: `n-${length}`, title };
      const details = webpush.generateRequestDetails(subscription, JSON.stringify(content), {
        contentEncoding: "aes128gcm",
        TTL: 60,
        urgency: "high",
        vapidDetails: { subject: "mailto:push@acme.com", publicKey: keys.publicKey, privateKey: keys.privateKey },
      });
      const status = await post(details.endpoint, details.headers, details.body);
      if (details.body.length > 4_096) {
        expect(status).toBe(413);
        continue;
      }
      expect(status, `${length} characters`).toBe(201);
      const { received } = await makers("GET", `/devices/${made.id}`);
      expect(received.at(-1).content).toEqual(content);
    }
    // Sealed for somebody else, or signed with another key: refused.
    const other = JSON.parse((await browser(maker, keys.publicKey)).tokenOrSubscription);
    const forged = webpush.generateVAPIDKeys();
    for (const [keysOf, signedBy] of [
      [other, keys],
      [subscription, forged],
    ]) {
      const mixed = { endpoint: subscription.endpoint, keys: keysOf.keys };
      const details = webpush.generateRequestDetails(mixed, "{}", {
        contentEncoding: "aes128gcm",
        vapidDetails: { subject: "mailto:push@acme.com", publicKey: signedBy.publicKey, privateKey: signedBy.privateKey },
      });
      expect(await post(details.endpoint, details.headers, details.body)).toBeGreaterThanOrEqual(400);
    }
  });
}

interface Push {
  headers: IncomingMessage["headers"];
  body: Buffer;
}

/** A push service that keeps what it is sent. */
async function service(): Promise<{ server: Server; port: number; got: Push[] }> {
  const got: Push[] = [];
  const server = createServer((asked, answer) => {
    const parts: Buffer[] = [];
    asked.on("data", (part) => parts.push(part));
    asked.on("end", () => {
      got.push({ headers: asked.headers, body: Buffer.concat(parts) });
      answer.writeHead(201).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port, got };
}

test("what our server seals, http_ece opens, and Node's own crypto finds it signed", async () => {
  const { server, port, got } = await service();
  const receiver = createECDH("prime256v1");
  receiver.generateKeys();
  const auth = randomBytes(16);
  const origin = `http://fcm.googleapis.com.localhost:${port}`;
  const subscription = {
    endpoint: `${origin}/push/secret`,
    keys: { p256dh: receiver.getPublicKey("base64url"), auth: auth.toString("base64url") },
  };
  const [who] = await hire(["employee"]);
  const hub = new HubConnectionBuilder()
    .withUrl(`${ready().hub}?device=sealed`, { accessTokenFactory: () => token(who.key) })
    .configureLogging(LogLevel.None)
    .build();
  let key = "";
  hub.on("Greeting", (greeting: { vapidPublicKey: string }) => (key = greeting.vapidPublicKey));
  await hub.start();
  const { credential } = await hub.invoke("RegisterPushToken", "webpush", JSON.stringify(subscription));
  expect(credential).toMatch(/^bhd_/);
  await expect.poll(() => key).not.toBe("");
  await hub.stop();

  const titles = [`first ${unique()}`, `second ${unique()}`];
  const ids = [];
  for (const title of titles) ids.push(await publish({ to: who.key, title, class: "urgent" }));
  await expect.poll(() => got.length, { timeout: 20_000 }).toBe(2);
  server.close();

  const opened = got.map(({ body }) =>
    JSON.parse(ece.decrypt(body, { version: "aes128gcm", privateKey: receiver, authSecret: auth.toString("base64url") })),
  );
  expect(new Set(opened.map((payload) => payload.notificationId))).toEqual(new Set(ids));
  for (const { headers, body } of got) {
    expect(headers["content-encoding"]).toBe("aes128gcm");
    expect(headers.urgency).toBe("high");
    expect(Number(headers.ttl)).toBeGreaterThan(0);
    expect(headers.topic, "a topic would be a collapse key").toBeUndefined();
    // Header, one record of 256, tag: the length says nothing of the words.
    expect(body.length).toBe(86 + 256 + 16);
    const [, jwt, named] = /^vapid t=([^,]+), k=(.+)$/.exec(headers.authorization ?? "") ?? [];
    expect(named).toBe(key);
    const [head, claims, signature] = jwt.split(".");
    const point = Buffer.from(key, "base64url");
    const jwk = {
      kty: "EC",
      crv: "P-256",
      x: point.subarray(1, 33).toString("base64url"),
      y: point.subarray(33).toString("base64url"),
    };
    const signer = createPublicKey({ key: jwk, format: "jwk" });
    const good = verify(
      "sha256",
      Buffer.from(`${head}.${claims}`),
      { key: signer, dsaEncoding: "ieee-p1363" },
      Buffer.from(signature, "base64url"),
    );
    expect(good, "the signature is of k").toBe(true);
    const said = JSON.parse(Buffer.from(claims, "base64url").toString());
    expect(said.aud).toBe(origin);
    const left = said.exp - Date.now() / 1_000;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(24 * 3_600);
    expect(said.sub).toMatch(/^(mailto:|https:)/);
  }
  // Another salt and another key for each message: the first 16 and the 65 bytes of the sender.
  const [one, two] = got.map(({ body }) => body);
  expect(one.subarray(0, 16).equals(two.subarray(0, 16))).toBe(false);
  expect(one.subarray(21, 86).equals(two.subarray(21, 86))).toBe(false);

});
