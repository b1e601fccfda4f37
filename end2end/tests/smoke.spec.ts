// A page is rendered by the server, comes alive in the browser, and nothing complains.
import { accessible, expect, open, test } from "../page";

const PAGE = "/sign-in";

test("the page is served whole, before any script", async ({ request }) => {
  const answer = await request.get(PAGE);
  expect(answer.status()).toBe(200);
  expect(await answer.text()).toContain("<h1");
  const policy = answer.headers()["content-security-policy"];
  expect(policy).toMatch(/script-src 'nonce-[\w-]+' 'strict-dynamic' 'wasm-unsafe-eval'/);
  expect(policy).not.toContain("unsafe-inline");
});

test("the page comes alive without a complaint", async ({ page }) => {
  await open(page, PAGE);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
});

test("nothing on the page keeps anybody out", async ({ page }) => {
  await open(page, PAGE);
  await accessible(page);
});

test("a page that does not exist says so, with its status", async ({ page, complaints }) => {
  const answer = await page.goto("/no-such-page");
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  expect(complaints.splice(0)).toEqual([expect.stringContaining("404")]);
});
