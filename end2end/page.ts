// The `test` that every spec imports: it fails when the browser's console holds an error or a warning,
// when a script throws, or when the content security policy refuses something. Hydration mismatches
// show up there too.
import AxeBuilder from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";
import { ready } from "./server";

interface Fixtures {
  /** What the console has said so far; a spec may expect, and then remove, an entry of its own. */
  complaints: string[];
}

export const test = base.extend<Fixtures>({
  baseURL: async ({}, use) => use(ready().url),
  complaints: [
    async ({ context }, use) => {
      const complaints: string[] = [];
      context.on("page", (page) => listen(page, complaints));
      await use(complaints);
      expect(complaints, "the browser's console").toEqual([]);
    },
    { auto: true },
  ],
});

/** Collects what one page complains about; for pages of contexts that a spec makes itself. */
export function listen(page: Page, complaints: string[]): void {
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on("pageerror", (error) => complaints.push(`thrown: ${error.message}`));
}

/** Opens a page and waits until the browser's half has taken it over. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await alive(page);
}

/** Resolves when the page reacts to clicks. */
export async function alive(page: Page): Promise<void> {
  await page.locator("html[data-alive]").waitFor({ state: "attached" });
}

/** Fails when axe finds an accessibility problem on the page as it is now. */
export async function accessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map((n) => n.target).join(", ")})`);
  expect(found, "accessibility").toEqual([]);
}

export { expect };
