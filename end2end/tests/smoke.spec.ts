// One page is rendered by the server, comes alive in the browser, and nothing complains.
import { accessible, expect, open, test } from "../page";

test("the page is served whole, before any script", async ({ request }) => {
  const answer = await request.get("/");
  expect(answer.status()).toBe(200);
  expect(await answer.text()).toContain("<h1");
  const policy = answer.headers()["content-security-policy"];
  expect(policy).toMatch(/script-src 'nonce-[\w-]+' 'strict-dynamic' 'wasm-unsafe-eval'/);
  expect(policy).not.toContain("unsafe-inline");
});

test("the page comes alive", async ({ page }) => {
  await open(page, "/");
  const button = page.getByTestId("ring");
  await expect(button).toHaveText("Ring: 0");
  await button.click();
  await expect(button).toHaveText("Ring: 1");
});

test("nothing on the page keeps anybody out", async ({ page }) => {
  await open(page, "/");
  await accessible(page);
});

test("a page that does not exist says so, with its status", async ({ page, complaints }) => {
  const answer = await page.goto("/no-such-page");
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("heading")).toHaveText("This page does not exist");
  expect(complaints.splice(0)).toEqual([expect.stringContaining("404")]);
});
