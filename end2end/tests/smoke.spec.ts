// A page is rendered by the server, comes alive in the browser, and nothing complains.
import { accessible, expect, open, test } from "../page";
import { hire } from "../people";

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

test("a page keeps its own headers and data while others are served beside it", async ({ guest }) => {
  const [who] = await hire(["employee", "manager"]);
  const { request } = await guest(who);
  const shapes = new Set<string>();
  const pages = async () => {
    for (let turn = 0; turn < 15; turn += 1) {
      const page = await request.get("/approvals", { headers: { Accept: "text/html" } });
      expect(page.headers()["content-security-policy"], "the page's own policy").toContain("'nonce-");
      expect(page.headers()["cache-control"], "no cache keeps it").toBe("no-store");
      // The browser finds the page's data by the order in which the server asked for them.
      shapes.add(/__PENDING_RESOURCES=\[[^\]]*\]/.exec(await page.text())?.[0] ?? "");
    }
  };
  const files = async () => {
    for (let turn = 0; turn < 60; turn += 1) {
      const file = await request.get(turn % 2 ? "/favicon.svg" : "/fonts/inter-latin.woff2");
      expect(file.headers()["content-security-policy"], "a file's policy").not.toContain("nonce");
    }
  };
  await Promise.all([pages(), files(), pages(), files()]);
  expect([...shapes], "each question is asked once, in one order").toHaveLength(1);
});
