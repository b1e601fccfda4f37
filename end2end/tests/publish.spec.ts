// One call of a back end shows on open screens.
import { delivery, publish, unique } from "../api";
import { bell, expect, marked, test, titles, toast, visit } from "../page";
import { hire } from "../people";

test("bell, toast and popover", async ({ guest }) => {
  const [who] = await hire(["employee"]);
  const page = await visit(await guest(who), "/approvals");
  const same = await marked(page);
  await expect(bell(page, "Notifications, none new")).toBeVisible();

  const title = `Stock count <i>moved</i> ${unique()}`;
  const id = await publish({ to: who.key, title, body: "Now on Friday.", data: { link: "/inbox" } });
  await expect(toast(page)).toContainText(title);
  await expect(toast(page)).toContainText("Now on Friday.");
  await expect(bell(page, "Notifications, 1 new")).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Inbox 1" })).toBeVisible();
  await expect.poll(async () => (await delivery(id)).state, "the page acknowledged it").toBe("acked");
  await same();

  await bell(page, "Notifications, 1 new").click();
  const panel = page.getByRole("region", { name: "Newest notifications" });
  await expect(panel.getByRole("article")).toContainText([title]);
  await expect(bell(page, "Notifications, none new")).toBeVisible();
  expect((await delivery(id)).seen_at).not.toBeNull();
  await panel.getByRole("button", { name: `Mark read: ${title}` }).click();
  await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Inbox", exact: true })).toBeVisible();
  await expect.poll(async () => (await delivery(id)).read_at).not.toBeNull();
});

test("an open inbox, newest first, one row a thread", async ({ guest }) => {
  const [who] = await hire(["employee"]);
  const page = await visit(await guest(who), "/inbox");
  const same = await marked(page);
  await expect(page.getByText("You are caught up")).toBeVisible();
  const word = unique();
  await publish({ to: who.key, title: `first ${word}` });
  await expect(titles(page, word)).toHaveText([`first ${word}`]);
  await publish({ to: who.key, title: `second ${word}`, severity: "critical" });
  await expect(titles(page, word)).toHaveText([`second ${word}`, `first ${word}`]);
  await expect(page.getByRole("article").first()).toContainText("Urgent");
  await expect(toast(page), "no toast over the list itself").toHaveCount(0);
  await same();
  await page.reload();
  await expect(titles(page, word)).toHaveText([`second ${word}`, `first ${word}`]);
});

test("two tabs of one browser, and another browser, show the same", async ({ guest }) => {
  const [who] = await hire(["employee"]);
  const browser = await guest(who);
  const tabs = [await visit(browser, "/inbox"), await visit(browser, "/inbox"), await visit(await guest(who), "/inbox")];
  const word = unique();
  const id = await publish({ to: who.key, title: `for all ${word}` });
  for (const tab of tabs) await expect(titles(tab, word)).toHaveText([`for all ${word}`]);
  await tabs[0].getByRole("button", { name: `Archive: for all ${word}` }).click();
  for (const tab of tabs) await expect(titles(tab, word)).toHaveCount(0);
  await expect.poll(async () => (await delivery(id)).state).toBe("acked");
});
