// Away and back: a screen shows exactly what it missed, once, in order, and says how it is connected.
import { delivery, publishAll, unique } from "../api";
import { bell, connection, expect, forgive, marked, test, titles, toast, visit, open } from "../page";
import { hire, signIn } from "../people";
import { Wire } from "../proxy";

/** What a browser says by itself about requests that found no network, or a cut wire. */
const NO_NETWORK = /ERR_(INTERNET_DISCONNECTED|NETWORK_CHANGED|CONNECTION|EMPTY_RESPONSE|SOCKET)|WebSocket connection to/;

test("without a network the page says so, and then shows what it missed", async ({ guest, complaints }) => {
  const [who] = await hire(["employee"]);
  const browser = await guest(who);
  const page = await visit(browser, "/approvals");
  const same = await marked(page);
  const word = unique();
  const named = (numbers: number[]) => numbers.map((number) => `news ${number} ${word}`);
  await publishAll(who.key, named([0]));
  await expect(toast(page)).toContainText(`news 0 ${word}`);
  await toast(page).getByRole("button", { name: "Close" }).click();
  await expect(bell(page, "Notifications, 1 new")).toBeVisible();

  await browser.setOffline(true);
  await expect(connection(page)).toHaveText(/^offline, data as of \d\d:\d\d:\d\d$/);
  const missed = await publishAll(who.key, named([1, 2, 3, 4]));
  expect((await delivery(missed[0])).state).toBe("queued");
  await expect(toast(page)).toHaveCount(0);
  await expect(bell(page, "Notifications, 1 new")).toBeVisible();

  await browser.setOffline(false);
  await expect(connection(page)).toHaveText("live", { timeout: 15_000 });
  await expect(bell(page, "Notifications, 5 new")).toBeVisible();
  for (const title of named([1, 2, 3, 4])) {
    await expect(toast(page).locator("strong")).toHaveText(title);
    await toast(page).getByRole("button", { name: "Close" }).click();
  }
  await expect(toast(page)).toHaveCount(0);
  for (const id of missed) await expect.poll(async () => (await delivery(id)).state).toBe("acked");

  // Away again, with nothing to miss: nothing is shown twice.
  await browser.setOffline(true);
  await expect(connection(page)).toHaveText(/^offline/);
  await browser.setOffline(false);
  await expect(connection(page)).toHaveText("live", { timeout: 15_000 });
  const [last] = await publishAll(who.key, named([5]));
  await expect(toast(page).locator("strong")).toHaveText(`news 5 ${word}`);
  await same();

  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /^Inbox/ }).click();
  await expect(titles(page, word)).toHaveText(named([5, 4, 3, 2, 1, 0]));
  await expect.poll(async () => (await delivery(last)).state).toBe("acked");
  forgive(complaints, NO_NETWORK);
});

test("an inbox that was open while away fills in order", async ({ guest, complaints }) => {
  const [who] = await hire(["employee"]);
  const browser = await guest(who);
  const page = await visit(browser, "/inbox");
  const word = unique();
  await browser.setOffline(true);
  await expect(connection(page)).toHaveText(/^offline/);
  await publishAll(who.key, [`a ${word}`, `b ${word}`, `c ${word}`]);
  await expect(titles(page, word)).toHaveCount(0);
  await browser.setOffline(false);
  await expect(titles(page, word)).toHaveText([`c ${word}`, `b ${word}`, `a ${word}`], { timeout: 15_000 });
  await expect(bell(page, "Notifications, none new"), "they were seen").toBeVisible();
  forgive(complaints, NO_NETWORK);
});

test("a cut wire is tried again, and by hand at once", async ({ guest, complaints }) => {
  const [who] = await hire(["employee"]);
  const wire = await Wire.lay();
  try {
    const browser = await guest(null, { baseURL: wire.url });
    await signIn(browser, who);
    const page = await browser.newPage();
    await open(page, "/inbox");
    await expect(connection(page)).toHaveText("live");
    const same = await marked(page);

    wire.cut();
    await expect(connection(page)).toHaveText(/^reconnecting, data as of \d\d:\d\d:\d\d$/);
    const word = unique();
    await publishAll(who.key, [`a ${word}`, `b ${word}`]);
    wire.mend();
    await page.getByRole("button", { name: "Retry", exact: true }).first().click({ timeout: 1_000 }).catch(() => {});
    await expect(connection(page)).toHaveText("live", { timeout: 25_000 });
    await expect(titles(page, word)).toHaveText([`b ${word}`, `a ${word}`]);
    await same();
    await page.close();
  } finally {
    await wire.remove();
  }
  forgive(complaints, NO_NETWORK);
});
