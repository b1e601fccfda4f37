// The `test` that every browser spec imports: it fails when a browser's console holds an error or a
// warning, when a script throws, or when the content security policy refuses something. Hydration
// mismatches show up there too. It covers every context made by `guest`, not only the first.
import AxeBuilder from "@axe-core/playwright";
import {
  expect,
  test as base,
  type BrowserContext,
  type BrowserContextOptions,
  type Locator,
  type Page,
} from "@playwright/test";
import { signIn } from "./people";
import { ready } from "./server";

type Who = { login: string; password: string };

interface Fixtures {
  /** What the consoles have said so far; a spec may expect, and then remove, entries of its own. */
  complaints: string[];
  /** A browser of somebody's own, signed in unless nobody is named; closed at the end. */
  guest: (who: Who | null, options?: BrowserContextOptions) => Promise<BrowserContext>;
}

export const test = base.extend<Fixtures>({
  baseURL: async ({}, use) => use(ready().url),
  complaints: [
    async ({ context }, use) => {
      const complaints: string[] = [];
      listen(context, complaints);
      await use(complaints);
      expect(complaints, "the browser's console").toEqual([]);
    },
    { auto: true },
  ],
  guest: async ({ browser, complaints }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (who, options = {}) => {
      const context = await browser.newContext({ baseURL: ready().url, ...options });
      contexts.push(context);
      listen(context, complaints);
      if (who) await signIn(context, who);
      return context;
    });
    for (const context of contexts) await context.close();
  },
});

/** Collects what the pages of a context complain about. */
function listen(context: BrowserContext, complaints: string[]): void {
  context.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  context.on("weberror", (error) => complaints.push(`thrown: ${error.error().message}`));
}

/** Takes out the complaints a test provokes, and answers how many there were. */
export function forgive(complaints: string[], expected: RegExp): number {
  const others = complaints.filter((complaint) => !expected.test(complaint));
  return complaints.splice(0, complaints.length, ...others).length - others.length;
}

/** Opens a page and waits until the browser's half has taken it over. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await alive(page);
}

/** A new page of this browser, open and connected. */
export async function visit(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage();
  await open(page, path);
  await expect(connection(page)).toHaveText("live");
  return page;
}

/** Resolves when the page reacts to clicks. */
export async function alive(page: Page): Promise<void> {
  await page.locator("html[data-alive]").waitFor({ state: "attached" });
}

/** The indicator's words: connecting, live, reconnecting, offline. */
export function connection(page: Page): Locator {
  return page.locator(".conn-word");
}

/** The bell; its name says how many are new. */
export function bell(page: Page, name: string): Locator {
  return page.getByRole("button", { name, exact: true });
}

/** The toast that is shown. */
export function toast(page: Page): Locator {
  return page.locator(".toast");
}

/** Closes toasts, one after the other as they come, until one says this. */
export async function toasted(page: Page, words: string): Promise<void> {
  await expect(async () => {
    const shown = await toast(page).innerText({ timeout: 500 });
    if (!shown.includes(words)) await toast(page).getByRole("button", { name: "Close" }).click({ timeout: 500 });
    expect(shown).toContain(words);
  }, `a toast says: ${words}`).toPass({ timeout: 10_000, intervals: [50] });
}

/** Titles of the inbox's rows that hold this word, from the top. */
export function titles(page: Page, word: string): Locator {
  return page.locator("#inbox-list").getByRole("article").locator(".title").filter({ hasText: word });
}

/** Marks the document; what it answers fails if the page was loaded anew since. */
export async function marked(page: Page): Promise<() => Promise<void>> {
  await page.evaluate(() => document.documentElement.setAttribute("data-same", ""));
  return async () => expect(page.locator("html[data-same]"), "the page was not loaded anew").toBeAttached();
}

/** Fails when axe finds an accessibility problem on the page as it is now. */
export async function accessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((n) => n.target).join(", ")})`);
  expect.soft(found, `accessibility of ${page.url()}`).toEqual([]);
}

export { expect };
