// Whom the hub turns away, seen from the npm client and from the bare requests it makes. No browser.
import { expect, request, test } from "@playwright/test";
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { delivery, publish, token } from "../api";
import { hire } from "../people";
import { Phone } from "../phone";
import { ready } from "../server";

async function negotiate(headers: Record<string, string>): Promise<{ status: number; body: any }> {
  const answer = await fetch(`${ready().hub}/negotiate?negotiateVersion=1`, { method: "POST", headers });
  return { status: answer.status, body: await answer.json() };
}

function bearer(text: string): Record<string, string> {
  return { Authorization: `Bearer ${text}` };
}

test("another tenant's token is refused, and the client is told so", async () => {
  const [{ key }] = await hire(["employee"]);
  const elsewhere = token(key, { tid: "another-tenant" });
  expect(await negotiate(bearer(elsewhere))).toMatchObject({ status: 401, body: { code: "unknown_tenant" } });
  const connection = new HubConnectionBuilder()
    .withUrl(ready().hub, { accessTokenFactory: () => elsewhere })
    .configureLogging(LogLevel.None)
    .build();
  await expect(connection.start()).rejects.toThrow(/401/);
});

test("an expired token has a code of its own", async () => {
  const [{ key }] = await hire(["employee"]);
  const now = Math.floor(Date.now() / 1000);
  const old = token(key, { iat: now - 7_200, exp: now - 3_600 });
  expect(await negotiate(bearer(old))).toMatchObject({ status: 401, body: { code: "expired_token" } });
});

test("a token that was signed by somebody else is refused", async () => {
  const [{ key }] = await hire(["employee"]);
  const [head, payload] = token(key).split(".");
  const forged = `${head}.${payload}.${"A".repeat(43)}`;
  expect(await negotiate(bearer(forged))).toMatchObject({ status: 401, body: { code: "bad_signature" } });
});

test("a session's cookie alone opens no hub", async () => {
  const [who] = await hire(["employee"]);
  const site = await request.newContext({ baseURL: ready().url });
  const form = { login: who.login, password: who.password };
  await expect(async () => {
    const signed = await site.post("/sign-in", { form, maxRedirects: 0 });
    expect(signed.headers().location).toBe("/");
  }).toPass({ timeout: 20_000, intervals: [1_000] });
  expect((await site.get("/inbox", { maxRedirects: 0 })).status(), "the cookie is good").toBe(200);
  const answer = await site.post(`${ready().hub}/negotiate?negotiateVersion=1`);
  expect(answer.status()).toBe(401);
  expect(await answer.json()).toMatchObject({ code: "missing_token" });
  await site.dispose();
});

test("a connection belongs to who negotiated it", async () => {
  const [one, other] = await hire(["employee"], ["employee"]);
  const { body } = await negotiate(bearer(token(one.key)));
  const address = `${ready().hub}?id=${encodeURIComponent(body.connectionToken)}`;
  const theirs = await fetch(address, { headers: { ...bearer(token(other.key)), Accept: "text/event-stream" } });
  expect(theirs.status).toBeGreaterThanOrEqual(400);
  expect(theirs.status).toBeLessThan(500);
  await theirs.body?.cancel();
});

test("nobody acknowledges for somebody else", async () => {
  const [one, other] = await hire(["employee"], ["employee"]);
  const id = await publish({ to: one.key, title: "for one only" });
  const thief = new Phone(other.key, ready().hub, {});
  await thief.connection.start();
  expect(await thief.ack(id)).toBe(0);
  await thief.connection.stop();
  expect((await delivery(id)).state).toBe("queued");
});
