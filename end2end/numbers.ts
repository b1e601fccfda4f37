// Numbers on the screens.
import type { Locator, Page } from "@playwright/test";

/** A tile of the attendance page. */
export function tile(page: Page, label: string): Locator {
  const strip = page.getByRole("region", { name: "Counts now, each filters the board" });
  return strip.getByRole("link").filter({ has: page.locator(".l", { hasText: new RegExp(`^\\s*${label}\\s*$`) }) });
}

/** A figure of the console's overview. */
export function overview(page: Page, label: string): Locator {
  const strip = page.getByRole("region", { name: "Now", exact: true });
  return strip.locator(".tile").filter({ has: page.locator(".l", { hasText: new RegExp(`^\\s*${label}\\s*$`) }) });
}

/** The number in it: `1,284` is 1284. */
export async function figure(of: Locator): Promise<number> {
  const text = await of.locator(".v, .n").innerText();
  return Number(text.replaceAll(",", ""));
}
