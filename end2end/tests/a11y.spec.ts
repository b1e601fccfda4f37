// axe on every page and in every overlay, light and dark, wide and on a phone.
import type { BrowserContext } from "@playwright/test";
import { ask, publish, publishAll } from "../api";
import { accessible, expect, open, test, toast } from "../page";
import { hire, type Person } from "../people";
import { ready } from "../server";

const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

const PUBLIC = ["/sign-in", "/sign-in?error=wrong&login=ada", "/sign-in?error=locked", "/setup?token=x"];
const PAGES = [
  "/approvals",
  "/approvals?tab=decided",
  "/approvals?tab=mine",
  "/attendance",
  "/attendance?search=nobody-is-called-this",
  "/inbox",
  "/inbox?tab=unread",
  "/inbox?tab=archive",
  "/admin",
  "/admin/connections",
  "/admin/connections?search=nothing-like-this",
  "/admin/groups",
  "/admin/queued",
  "/admin/undelivered",
  "/admin/undelivered?search=nothing-like-this",
  "/admin/undelivered?again=1",
  "/admin/why",
  "/admin/why?user=nobody-is-called-this",
  "/admin/classes",
  "/admin/classes?edit=decision",
  "/admin/webhooks",
  "/admin/webhooks?new=1",
];

/** Somebody with something on every page. */
async function busy(): Promise<{ who: Person; request: string }> {
  const [who, colleague] = await hire(["employee", "manager", "hr", "admin"], ["employee"]);
  const request = await ask(colleague.key, [who.key], "A request that waits");
  await ask(who.key, [colleague.key], "A request of one's own");
  await publish({ to: who.key, title: "Soon", body: "A body.", severity: "warning", data: { link: "/inbox" } });
  await publish({ to: who.key, title: "Urgent", severity: "critical" });
  await publishAll(colleague.key, ["waits for somebody"]);
  return { who, request };
}

async function look(browser: BrowserContext, path: string): Promise<void> {
  const page = await browser.newPage();
  await open(page, path);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await accessible(page);
  await page.close();
}

for (const theme of ["light", "dark"]) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`@slow every page, ${theme}, ${size}`, async ({ guest }) => {
      test.setTimeout(180_000);
      const { who, request } = await busy();
      const cookie = { name: "theme", value: theme, url: ready().url };
      const stranger = await guest(null, { viewport });
      await stranger.addCookies([cookie]);
      for (const path of PUBLIC) await look(stranger, path);
      const browser = await guest(who, { viewport });
      await browser.addCookies([cookie]);
      for (const path of [...PAGES, `/approvals/${request}`]) await look(browser, path);
    });

    test(`@slow every overlay, ${theme}, ${size}`, async ({ guest }) => {
      test.setTimeout(90_000);
      const { who, request } = await busy();
      const browser = await guest(who, { viewport });
      await browser.addCookies([{ name: "theme", value: theme, url: ready().url }]);
      const page = await browser.newPage();
      await open(page, `/approvals/${request}`);
      await page.getByRole("button", { name: /^Notifications, / }).click();
      await expect(page.getByRole("region", { name: "Newest notifications" }).getByRole("article").first()).toBeVisible();
      await accessible(page);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: `${who.name}, account` }).click();
      await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
      await accessible(page);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Reject…" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      await accessible(page);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Approve €540.00" }).click();
      await expect(toast(page)).toBeVisible();
      await accessible(page);

      await open(page, `/admin/connections?search=${who.key}`);
      await page.getByRole("row").filter({ hasText: who.name }).getByRole("checkbox").first().check();
      await page.getByRole("button", { name: "Disconnect 1 connection…" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
      await accessible(page);
    });
  }
}
