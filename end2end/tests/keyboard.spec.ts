// Everything with the keyboard alone: find the request, approve it, and know where one is afterwards.
import type { Locator, Page } from "@playwright/test";
import { ask, request, unique } from "../api";
import { expect, test, toasted, visit } from "../page";
import { hire } from "../people";

/** Presses Tab until this has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    if (await target.evaluate((element) => element === document.activeElement)) return;
  }
  throw new Error(`80 times Tab did not reach ${target}`);
}

test("approve without a pointer", async ({ guest }) => {
  const [requester, approver] = await hire(["employee"], ["employee", "manager"]);
  const [first, second] = [`First ${unique()}`, `Second ${unique()}`];
  const id = await ask(requester.key, [approver.key], first);
  await ask(requester.key, [approver.key], second);
  const page = await visit(await guest(approver), "/approvals");

  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();

  await tabTo(page, page.getByRole("link", { name: first }));
  await page.keyboard.press("j");
  await expect(page.getByRole("link", { name: second })).toBeFocused();
  await page.keyboard.press("k");
  await expect(page.getByRole("link", { name: first })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/approvals/${id}`));
  await expect(page.getByRole("heading", { name: first, level: 2 })).toBeVisible();

  await tabTo(page, page.getByRole("button", { name: "Reject…" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog").getByLabel("Reason")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("button", { name: "Reject…" })).toBeFocused();

  await tabTo(page, page.getByRole("button", { name: "Approve €540.00" }));
  await page.keyboard.press("Enter");
  await toasted(page, `You approved ${first}`);
  await expect(page.getByRole("article", { name: first })).toBeFocused();
  expect((await request(id)).state).toBe("approved");
});
