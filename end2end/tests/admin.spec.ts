// The console, while things happen: what is queued, who is connected, and closing a connection.
import { publishAll, unique } from "../api";
import { figure, overview } from "../numbers";
import { connection, expect, forgive, open, test, titles, toast, visit } from "../page";
import { hire } from "../people";

/** The overview asks every two seconds. */
const SOON = { timeout: 10_000 };
/** What a browser says by itself about requests that found no network. */
const NO_NETWORK = /ERR_(INTERNET_DISCONNECTED|NETWORK_CHANGED|CONNECTION|EMPTY_RESPONSE|SOCKET)|WebSocket connection to/;

test("queued rises while somebody is away, and falls when they come back", async ({ guest, complaints }) => {
  const [admin, away] = await hire(["employee", "admin"], ["employee"]);
  const desk = await guest(admin);
  const page = await visit(desk, "/admin");
  const list = await visit(desk, `/admin/queued?search=${away.key}`);
  const before = await figure(overview(page, "Queued"));
  await expect(list.getByText("No message matches")).toBeVisible();

  const browser = await guest(away);
  const screen = await visit(browser, "/inbox");
  const lines = await desk.newPage();
  const connections = `/admin/connections?search=${away.key}`;
  await open(lines, connections);
  await expect(lines.getByRole("row").filter({ hasText: away.name })).toHaveCount(1);

  await browser.setOffline(true);
  await expect(connection(screen)).toHaveText(/^offline/);
  // The server has to have noticed, too.
  await expect(async () => {
    await open(lines, connections);
    await expect(lines.getByText("No connection matches")).toBeVisible({ timeout: 500 });
  }).toPass(SOON);

  const word = unique();
  const sent = [`a ${word}`, `b ${word}`, `c ${word}`];
  await publishAll(away.key, sent);
  await expect.poll(() => figure(overview(page, "Queued")), SOON).toBe(before + 3);
  const rows = list.getByRole("row").filter({ hasText: word });
  await expect(rows).toHaveCount(3, SOON);
  await expect(rows.first()).toContainText(`a ${word}`);
  await expect(rows.first()).toContainText("Parked");
  await expect(rows.first()).toContainText("offline");

  await browser.setOffline(false);
  await expect(connection(screen)).toHaveText("live", { timeout: 15_000 });
  await expect(titles(screen, word)).toHaveText(sent.toReversed());
  await expect.poll(() => figure(overview(page, "Queued")), SOON).toBe(before);
  await expect(list.getByText("No message matches")).toBeVisible(SOON);
  forgive(complaints, NO_NETWORK);
});

test("connections come and go on the list, and can be closed", async ({ guest }) => {
  const [admin, other] = await hire(["employee", "admin"], ["employee"]);
  const page = await visit(await guest(admin), `/admin/connections?search=${other.key}`);
  await expect(page.getByText("No connection matches")).toBeVisible();

  const screen = await visit(await guest(other), "/inbox");
  const row = page.getByRole("row").filter({ hasText: other.name });
  await expect(row).toHaveCount(1, SOON);
  await expect(row).toContainText("WebSocket");
  await expect(row).toContainText("127.0.0.1");
  const id = await row.locator("td.mono[title]").getAttribute("title");

  await row.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Disconnect 1 connection…" }).click();
  const dialog = page.getByRole("dialog", { name: "Disconnect 1 connection" });
  await expect(dialog).toContainText(other.name);
  await dialog.getByRole("button", { name: "Disconnect 1 connection" }).click();
  await expect(toast(page)).toContainText("Disconnected 1 connection");
  await page.mouse.move(1, 1);

  // Its client comes back by itself, as another connection.
  await expect(async () => {
    const apply = page.getByRole("button", { name: "Apply" });
    if (await apply.isVisible()) await apply.click();
    await expect(row).toHaveCount(1, { timeout: 500 });
    expect(await row.locator("td.mono[title]").getAttribute("title")).not.toBe(id);
  }).toPass(SOON);
  await expect(connection(screen)).toHaveText("live");
  const word = unique();
  await publishAll(other.key, [`still here ${word}`]);
  await expect(titles(screen, word)).toHaveText([`still here ${word}`]);
});

test("groups name who is in them", async ({ guest }) => {
  const [admin, member] = await hire(["employee", "admin"], ["employee"]);
  await visit(await guest(member), "/inbox");
  const page = await visit(await guest(admin), `/admin/groups?search=${member.key}`);
  const row = page.getByRole("row").filter({ hasText: `user:${member.key}` });
  await expect(row).toHaveCount(1, SOON);
  await expect(row).toContainText(member.name);
});

test("the console is for administrators only", async ({ guest, complaints }) => {
  const [worker] = await hire(["employee", "hr"]);
  const browser = await guest(worker);
  for (const path of [
    "/admin",
    "/admin/connections",
    "/admin/groups",
    "/admin/queued",
    "/admin/undelivered",
    "/admin/why",
    "/admin/classes",
    "/admin/webhooks",
  ]) {
    const page = await browser.newPage();
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(403);
    await expect(page.getByText("Not for your role")).toBeVisible();
    await expect(page.getByText("It needs the role Administrator.")).toBeVisible();
    await expect(page.getByRole("link", { name: "To your start page" })).toBeVisible();
    await expect(page.locator("nav[aria-label='Admin sections']")).toHaveCount(0);
    await page.close();
  }
  expect(complaints.splice(0)).toHaveLength(8);
});
