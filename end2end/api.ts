// The public API, as a customer's back end calls it: with the service's API key.
import { createHmac, randomBytes } from "node:crypto";
import { ready } from "./server";

/** A word no other test uses: part of names, keys and titles. */
export function unique(): string {
  return randomBytes(4).toString("hex");
}

export interface Answer {
  status: number;
  // What it holds is what the test is about to check.
  body: any;
}

/** Calls the API; the test judges the status. */
export async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(`${ready().url}/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${ready().api_key}`, "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
}

/** Calls the API; anything but a 2xx fails the test. */
export async function must(method: string, path: string, body?: unknown): Promise<any> {
  const answer = await call(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export interface News {
  to: string;
  title: string;
  kind?: string;
  body?: string;
  data?: object;
  severity?: "info" | "warning" | "critical";
  /** Delivery class. */
  class?: string;
}

/** Publishes to one user; answers the notification's id, after the commit. */
export async function publish({ to, kind = "NewTask", ...rest }: News): Promise<string> {
  return (await must("POST", "/notifications", { kind, audience: { users: [to] }, ...rest })).id;
}

/** Publishes titles one after the other, each after the one before was committed. */
export async function publishAll(to: string, titles: string[], kind?: string): Promise<string[]> {
  const ids: string[] = [];
  for (const title of titles) ids.push(await publish({ to, title, kind }));
  return ids;
}

/** What became of a notification that went to one user. */
export async function delivery(id: string): Promise<any> {
  return (await must("GET", `/notifications/${id}`)).deliveries[0];
}

/** Asks for an approval; answers the request's id. */
export async function ask(requester: string, approvers: string[], subject: string): Promise<string> {
  const fields = [["Cost centre", "4100"]];
  const body = { kind: "purchase", subject, amount: "€540.00", fields, requester, approvers };
  return (await must("POST", "/requests", body)).id;
}

/** How a request stands. */
export async function request(id: string): Promise<any> {
  return await must("GET", `/requests/${id}`);
}

/** A punch, now. */
export async function punch(user: string, direction: string): Promise<void> {
  await must("POST", "/punches", {
    user,
    device: "Gate-1 face",
    at: new Date().toISOString(),
    direction,
    source_id: unique(),
  });
}

/** A token as the customer's own issuer would sign it. Claims that are given replace the usual ones. */
export function token(user: string, claims: Record<string, unknown> = {}): string {
  const { tenant, service, jwt } = ready();
  if (!jwt?.secret) throw new Error("the ready file holds no key to sign tokens with");
  const now = Math.floor(Date.now() / 1000);
  const usual = { iss: jwt.iss, aud: jwt.aud, iat: now, exp: now + 600, tid: tenant, sid: service, sub: user };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const message = `${part({ alg: jwt.alg, typ: "JWT" })}.${part({ ...usual, ...claims })}`;
  return `${message}.${createHmac("sha256", jwt.secret).update(message).digest("base64url")}`;
}
