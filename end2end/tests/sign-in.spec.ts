// Signing in and out: by form, by demo button, with a wrong password, without script.
import { ask, request } from "../api";
import { alive, connection, expect, forgive, open, test, visit } from "../page";
import { hire } from "../people";
import { ready } from "../server";

test("by name and password, to the page that was asked for", async ({ page }) => {
  const [who] = await hire(["employee"]);
  await open(page, "/inbox?tab=unread");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await page.getByLabel("Name or e-mail").fill(who.login.toUpperCase());
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/inbox\?tab=unread$/);
  await alive(page);
  await expect(connection(page)).toHaveText("live");
  await expect(page.getByRole("button", { name: `${who.name}, account` })).toBeVisible();
});

test("a wrong password says so, and keeps the name", async ({ page }) => {
  const [who] = await hire(["employee"]);
  await open(page, "/sign-in");
  await page.getByLabel("Name or e-mail").fill(who.login);
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/error=wrong/);
  await alive(page);
  await expect(page.getByLabel("Password")).toHaveAccessibleDescription("Wrong name or password.");
  await expect(page.getByLabel("Name or e-mail")).toHaveValue(who.login);
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page).toHaveURL(/\/inbox$/);
});

test("by a demo button", async ({ page }) => {
  await open(page, "/sign-in");
  const buttons = page.getByRole("region", { name: "Try it as" }).getByRole("button");
  await expect(buttons).toHaveCount(ready().logins.length);
  const name = await buttons.first().locator(".cut").innerText();
  await buttons.first().click();
  await expect(page.getByRole("button", { name: `${name}, account` })).toBeVisible();
  await alive(page);
  await expect(connection(page)).toHaveText("live");
});

test("signing out closes the hub, in other tabs too", async ({ guest, complaints }) => {
  const [who] = await hire(["employee"]);
  const browser = await guest(who);
  const page = await visit(browser, "/inbox");
  const other = await visit(browser, "/approvals");
  const gone = expect(other).toHaveURL(/\/sign-in\?next=.*&error=expired/, { timeout: 15_000 });
  await page.getByRole("button", { name: `${who.name}, account` }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
  await gone;
  await expect(other.getByText("Your session ended.")).toBeVisible();
  forgive(complaints, /status of \d+ .*(_fn|hubs)/); // the other tab asked once more
  await page.goto("/inbox");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
});

test("without script: sign in, read, approve", async ({ guest }) => {
  const [requester, approver] = await hire(["employee"], ["employee", "manager"]);
  const id = await ask(requester.key, [approver.key], "Twelve laptop stands");
  const browser = await guest(null, { javaScriptEnabled: false });
  const page = await browser.newPage();
  await page.goto(`/approvals/${id}`);
  await page.getByLabel("Name or e-mail").fill(approver.login);
  await page.getByLabel("Password").fill(approver.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("heading", { name: "Twelve laptop stands" })).toBeVisible();
  await expect(page.getByText("not live, times in UTC; reload to refresh")).toBeVisible();
  await page.getByRole("button", { name: "Approve €540.00" }).click();
  const article = page.getByRole("article", { name: "Twelve laptop stands" });
  await expect(article.getByText(`by ${approver.name}`)).toBeVisible();
  await expect(page.getByRole("button", { name: "Approve €540.00" })).toHaveCount(0);
  expect(await request(id)).toMatchObject({ state: "approved" });
});
