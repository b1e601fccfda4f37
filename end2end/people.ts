// People of a test's own, provisioned by the API, so that no test sees what another one does.
import { expect, type BrowserContext } from "@playwright/test";
import { must, unique } from "./api";
import { ready } from "./server";

export interface Person {
  /** The customer's id. */
  key: string;
  name: string;
  login: string;
  password: string;
}

type Role = "employee" | "manager" | "hr" | "admin";

const NAMES = ["Ada", "Björn", "Chiyo", "Dalia"];

/** Hires one person for each list of roles. */
export async function hire(...roles: Role[][]): Promise<Person[]> {
  const people = roles.map((_, index) => {
    const word = unique();
    const key = `e2e-${word}`;
    return { key, name: `${NAMES[index]} ${word}`, login: `${key}@e2e.example`, password: `pw-${unique()}${unique()}` };
  });
  const items = people.map(({ key, ...rest }, index) => ({
    id: key,
    ...rest,
    roles: roles[index],
    departments: ["production"],
    site: "leeds",
  }));
  await must("PUT", "/users", { items });
  return people;
}

/**
 * Signs in by the form's address, without its page; the page has tests of its own. All tests come from
 * one address, which may try only so often: on a server that has run many tests, this waits.
 */
export async function signIn(context: BrowserContext, who: { login: string; password: string }): Promise<void> {
  const form = { login: who.login, password: who.password, next: "/" };
  await expect(async () => {
    const answer = await context.request.post(`${ready().url}/sign-in`, { form, maxRedirects: 0 });
    expect(answer.status()).toBe(303);
    expect(answer.headers().location).toBe("/");
  }).toPass({ timeout: 20_000, intervals: [1_000] });
}
