// The page of webhooks: one is added, told what happens by signed requests, looked after when it fails, and removed.
import { must, publish, unique } from "../api";
import { accessible, expect, forgive, test, titles, toasted, visit } from "../page";
import { hire } from "../people";
import { receive, type Receiver } from "../receiver";
import { ready } from "../server";

const SOON = { timeout: 15_000 };
let receiver: Receiver;

test.beforeEach(async () => {
  receiver = await receive();
});
test.afterEach(async () => {
  await receiver.close();
  for (const { id } of (await must("GET", "/webhooks")).items) await must("DELETE", `/webhooks/${id}`);
});

test("a webhook is added, told, tried, given another secret and removed", async ({ guest }) => {
  const [admin, reader] = await hire(["employee", "admin"], ["employee"]);
  const page = await visit(await guest(admin), "/admin/webhooks");
  await page.getByRole("link", { name: "Add webhook" }).click();
  const key = `e2e-${unique()}`;
  await page.getByLabel("Service", { exact: true }).selectOption(ready().service ?? "");
  await page.getByLabel("Id", { exact: true }).fill(key);
  await page.getByLabel("Address").fill(receiver.url);
  await page.getByRole("checkbox", { name: /^acked/ }).check();
  const secret = await page.getByLabel("Secret", { exact: true }).inputValue();
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  await accessible(page);
  await page.getByRole("button", { name: "Add webhook" }).click();
  await toasted(page, "Webhook added");
  await expect(page.getByText("Nothing was sent to it yet.")).toBeVisible();
  expect(await page.content(), "the secret is told once").not.toContain(secret);
  await accessible(page);

  await page.getByRole("button", { name: "Send a test" }).click();
  await expect(page.getByRole("status").filter({ hasText: "The test was taken: answered 204." })).toBeVisible();
  expect(receiver.got[0].body.type).toBe("webhook.test");
  expect(receiver.got[0].isSignedWith(secret)).toBe(true);
  const tries = page.getByRole("region", { name: "Webhook" }).getByRole("row");
  await expect(tries.filter({ hasText: receiver.got[0].id })).toContainText("Taken", SOON);

  const word = unique();
  const id = await publish({ to: reader.key, title: `told ${word}`, class: "decision" });
  const screen = await visit(await guest(reader), "/inbox");
  await expect(titles(screen, word)).toHaveCount(1);
  const events = () => receiver.got.flatMap((got) => got.body.data.events);
  const told = () => events().filter((event: any) => event.data.notification === id);
  await expect.poll(() => told().map((event: any) => event.type), SOON).toEqual([
    "notification.acked",
    "notification.settled",
  ]);
  const carrier = receiver.got.find((got) => got.body.data.events.some((event: any) => event.data.notification === id));
  expect(carrier?.isSignedWith(secret)).toBe(true);
  await expect(page.getByText("It takes what it is sent.")).toBeVisible(SOON);
  await expect(tries.filter({ hasText: carrier?.id })).toContainText(/acked.*settled/, SOON);

  await page.getByRole("link", { name: "Change secret…" }).click();
  const next = await page.getByLabel("Secret", { exact: true }).inputValue();
  expect(next).not.toBe(secret);
  await accessible(page);
  await page.getByRole("button", { name: "Change the secret" }).click();
  await toasted(page, "Secret changed");
  await expect(page.getByText("Old secret signs until")).toBeVisible(SOON);
  const later = await publish({ to: reader.key, title: "once more", class: "decision" });
  await expect
    .poll(() => receiver.got.find((got) => got.body.data.events.some((one: any) => one.data.notification === later)), SOON)
    .toBeDefined();
  const both = receiver.got.find((got) => got.body.data.events.some((one: any) => one.data.notification === later));
  expect([both?.isSignedWith(secret), both?.isSignedWith(next)]).toEqual([true, true]);

  await page.getByRole("button", { name: "Pause…" }).click();
  await page.getByRole("dialog", { name: `Pause ${key}` }).getByRole("button", { name: "Pause webhook" }).click();
  await expect(page.getByText("Paused: nothing is sent.")).toBeVisible(SOON);
  await page.getByRole("button", { name: "Send to it again" }).click();
  await expect(page.getByText("It takes what it is sent.")).toBeVisible(SOON);

  await page.getByRole("button", { name: "Remove…" }).click();
  const dialog = page.getByRole("dialog", { name: `Remove ${key}` });
  await accessible(page);
  await dialog.getByRole("button", { name: "Remove webhook" }).click();
  await toasted(page, `Removed ${key}`);
  await expect(page).toHaveURL(/\/admin\/webhooks$/);
  await expect(page.getByRole("link", { name: key })).toBeHidden();
  expect((await must("GET", "/webhooks")).items).toEqual([]);
});

test("a webhook that fails says why, by the page and by the overview", async ({ guest }) => {
  const [admin, reader] = await hire(["employee", "admin"], ["employee"]);
  const key = `e2e-${unique()}`;
  await must("PUT", `/webhooks/${key}`, { url: receiver.url, events: ["notification.acked"] });
  receiver.status = 503;
  const desk = await guest(admin);
  const page = await visit(desk, "/admin/webhooks");
  const row = page.getByRole("row").filter({ hasText: key });
  await expect(row).toContainText("New");
  await publish({ to: reader.key, title: "nobody takes this" });
  await visit(await guest(reader), "/inbox");
  await expect(row).toContainText("Failing", SOON);
  await expect(row).toContainText("1 request");
  await accessible(page);
  await row.getByRole("link", { name: key }).click();
  await expect(page.getByText("It did not take the last request: answered 503.")).toBeVisible();
  const one = page.getByRole("row").filter({ hasText: receiver.got[0].id }).first();
  await expect(one).toContainText("1 acked");
  await expect(one).toContainText(/answered 503; again \d\d:\d\d/);
  await accessible(page);

  const overview = await visit(desk, "/admin");
  await expect(overview.getByText("1 webhook did not take its last request; it is sent again.")).toBeVisible();
  await overview.getByRole("link", { name: "See webhooks" }).click();
  await expect(overview.getByRole("row").filter({ hasText: key })).toBeVisible();

  // Its receiver is mended, and whoever says so by saving does not wait for the next try: it gets the same request.
  receiver.status = 200;
  await page.getByRole("button", { name: "Save" }).click();
  await toasted(page, "Webhook saved");
  await expect(page.getByText("It takes what it is sent.")).toBeVisible(SOON);
  expect(new Set(receiver.got.map((got) => got.id)).size).toBe(1);
});

test("what is wrong with a webhook is said by its field", async ({ guest, complaints }) => {
  const [admin] = await hire(["employee", "admin"]);
  const page = await visit(await guest(admin), "/admin/webhooks?new=1");
  await page.getByLabel("Service", { exact: true }).selectOption(ready().service ?? "");
  await page.getByLabel("Id", { exact: true }).fill("wrong");
  await page.getByLabel("Address").fill("ftp://127.0.0.1/");
  await page.getByRole("button", { name: "Add webhook" }).click();
  await expect(page.locator("#webhook-form").getByRole("alert")).toContainText("Address: An https URL is needed");
  await expect(page.getByLabel("Address")).toHaveAttribute("aria-invalid", "true");
  await page.getByLabel("Address").fill(receiver.url);
  await page.getByRole("checkbox", { name: /^settled/ }).uncheck();
  await page.getByRole("button", { name: "Add webhook" }).click();
  await expect(page.locator("#webhook-form").getByRole("alert")).toContainText("Events: At least one of notification.acked");
  await page.getByRole("checkbox", { name: /^settled/ }).check();
  await page.getByLabel("Secret", { exact: true }).fill("short");
  await page.getByRole("button", { name: "Add webhook" }).click();
  await expect(page.locator("#webhook-form").getByRole("alert")).toContainText("Secret: A secret is");
  expect(forgive(complaints, /422.*save-webhook/)).toBe(3);
  expect((await must("GET", "/webhooks")).items).toEqual([]);
});

test("without script a webhook is added, tried, paused, given another secret and removed", async ({ guest }) => {
  const [admin] = await hire(["employee", "admin"]);
  const page = await (await guest(admin, { javaScriptEnabled: false })).newPage();
  const key = `e2e-${unique()}`;
  await page.goto("/admin/webhooks");
  await page.getByRole("link", { name: "Add webhook" }).click();
  await page.getByLabel("Service", { exact: true }).selectOption(ready().service ?? "");
  await page.getByLabel("Id", { exact: true }).fill(key);
  await page.getByLabel("Address").fill("http://user:secret@127.0.0.1/");
  const refused = page.getByRole("alert").filter({ hasText: "Address: An https URL is needed" });
  await page.getByRole("button", { name: "Add webhook" }).click();
  await expect(refused).toBeVisible();
  await page.getByLabel("Service", { exact: true }).selectOption(ready().service ?? "");
  await page.getByLabel("Id", { exact: true }).fill(key);
  await page.getByLabel("Address").fill(receiver.url);
  await page.getByRole("checkbox", { name: /^read/ }).check();
  const secret = await page.getByLabel("Secret", { exact: true }).inputValue();
  await page.getByRole("button", { name: "Add webhook" }).click();
  await expect(page.getByText("Nothing was sent to it yet.")).toBeVisible();
  const [made] = (await must("GET", "/webhooks")).items;
  expect([made.id, made.events]).toEqual([key, ["notification.read", "notification.settled"]]);

  await page.getByRole("button", { name: "Send a test" }).click();
  await expect(page.getByRole("row").filter({ hasText: "test" })).toContainText("Taken");
  expect(receiver.got[0].isSignedWith(secret)).toBe(true);
  await page.getByRole("button", { name: "Pause…" }).click();
  await page.getByRole("button", { name: "Pause webhook" }).click();
  await expect(page.getByText("Paused: nothing is sent.")).toBeVisible();
  await page.getByRole("link", { name: "Change secret…" }).click();
  const next = await page.getByLabel("Secret", { exact: true }).inputValue();
  await page.getByRole("button", { name: "Change the secret" }).click();
  await expect(page.getByText("Old secret signs until")).toBeVisible();
  await page.getByRole("button", { name: "Send a test" }).click();
  await expect(page.getByRole("row").filter({ hasText: "test" })).toHaveCount(2);
  expect(receiver.got[1].isSignedWith(next)).toBe(true);
  await page.getByRole("button", { name: "Send to it again" }).click();
  await expect(page.getByText("Paused: nothing is sent.")).toBeHidden();
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: "Remove webhook" }).click();
  await expect(page.getByText("No webhook yet")).toBeVisible();
});
