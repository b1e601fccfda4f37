// A browser that is notified while no page is open: the control in the account menu, and the worker behind it.
//
// What no test here can do: `PushManager.subscribe` asks the browser maker's own push service, which is not reached. So
// pages subscribe at the stand-in (`subscribeAt`), and what it receives and decrypts is handed to the real worker by
// the browser's own debugging interface, as after a real push.
import type { BrowserContext, Locator, Page } from "@playwright/test";
import { call, delivery, publish, unique } from "../api";
import { browser, cards, click, Deliverer, screen, subscribeAt, workerOf, type Registration } from "../makers";
import { accessible, alive, expect, forgive, open, test, titles, visit } from "../page";
import { hire, signIn, type Person } from "../people";
import { ready } from "../server";

const WORKER = "/push-worker.js";

async function menu(page: Page): Promise<Locator> {
  const control = page.getByRole("region", { name: "Notifications on this device" });
  if (!(await control.isVisible())) await page.getByRole("button", { name: /, account$/ }).click();
  return control;
}

interface Device {
  who: Person;
  context: BrowserContext;
  page: Page;
  made: Registration;
}

/** Somebody whose browser may notify and subscribes at the stand-in. */
async function device(guest: any, maker = "chrome", path = "/inbox"): Promise<Device> {
  const [who] = await hire(["employee"]);
  const context: BrowserContext = await guest(who);
  await context.grantPermissions(["notifications"], { origin: ready().url });
  const made = await browser(maker);
  await subscribeAt(context, made);
  return { who, context, page: await visit(context, path), made };
}

async function turnOn(page: Page): Promise<void> {
  const control = await menu(page);
  await control.getByRole("button", { name: "Turn on" }).click();
  await expect(control).toContainText("This browser is notified also while no page of Bellhop is open.");
  await page.keyboard.press("Escape");
}

/** By what its devices have it. A page that is being left may have read it, too. */
const had = (one: any): string[] => one.devices.map((device: any) => device.via);

test("the worker is served for the whole site", async ({ request }) => {
  const answer = await request.get(WORKER);
  expect(answer.status()).toBe(200);
  expect(answer.headers()["cache-control"]).toBe("no-cache");
  expect(answer.headers()["content-type"]).toContain("text/javascript");
  expect(answer.headers()["content-security-policy"]).toContain("connect-src 'self'");
});

test("without script there is no control, and signing out works", async ({ guest }) => {
  const [who] = await hire(["employee"]);
  const page = await (await guest(who, { javaScriptEnabled: false })).newPage();
  await page.goto("/inbox");
  await page.getByRole("button", { name: /, account$/ }).click();
  await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
  await expect(page.locator(".device-push")).toBeHidden();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in/);
});

test("it asks only on a click, and says when it is blocked and how to undo that", async ({ guest }) => {
  const [who] = await hire(["employee"]);
  const context = await guest(who);
  await context.addInitScript(() => {
    let asked = 0;
    Notification.requestPermission = async () => {
      asked += 1;
      document.documentElement.dataset.asked = String(asked);
      return "denied";
    };
    Object.defineProperty(Notification, "permission", { get: () => (asked > 0 ? "denied" : "default") });
  });
  const page = await visit(context, "/inbox");
  const control = await menu(page);
  await expect(control).toContainText("Off.");
  await expect(page.locator("html[data-asked]")).toHaveCount(0);
  await accessible(page);
  await control.getByRole("button", { name: "Turn on" }).click();
  await expect(control).toContainText("Blocked.");
  await expect(control).toContainText("site settings beside the address");
  await expect(control.getByRole("button")).toHaveCount(0);
  await expect(page.locator("html[data-asked='1']")).toHaveCount(1);
  await accessible(page);
});

test("a browser without push says so", async ({ guest }) => {
  const [who] = await hire(["employee"]);
  const context = await guest(who);
  await context.addInitScript(() => {
    Reflect.deleteProperty(window, "PushManager");
  });
  const control = await menu(await visit(context, "/inbox"));
  await expect(control).toContainText("Not possible.");
  await expect(control.getByRole("button")).toHaveCount(0);
});

test("turned on it is pushed to, shows, acknowledges and is taken back; turned off nothing is left", async ({ guest }) => {
  const { who, context, page, made } = await device(guest);
  await turnOn(page);
  const worker = await workerOf(context);
  const deliverer = await Deliverer.of(page, worker);
  // Nobody is connected: the page is elsewhere, and with it its connection.
  await page.goto("about:blank");
  const title = `Gate 2 ${unique()}`;
  const id = await publish({ to: who.key, title, class: "urgent", data: { link: "/approvals" } });
  await expect.poll(() => screen(made.id), { timeout: 20_000 }).toEqual(["Urgent: please look now"]);

  // What the stand-in decrypted is what a browser would have handed over. The class lets no word out but its own.
  const [received] = await pushes(made.id);
  expect(JSON.stringify(received)).not.toContain(title);
  expect(received).toMatchObject({ v: 1, purpose: "notify", notificationId: id, tag: id, urgent: true });
  await deliverer.deliver(received);
  await expect.poll(() => cards(worker)).toMatchObject([
    { title: "Urgent: please look now", tag: id, requireInteraction: true, data: { id } },
  ]);
  await expect.poll(async () => had(await delivery(id))).toContain("push");
  expect((await delivery(id)).state, "a card in a pocket alarms nobody: urgent wants somebody there").toBe("reached");
  // The same push again, as after a lost answer: the same card.
  await deliverer.deliver(received);
  await expect.poll(async () => (await cards(worker)).length).toBe(1);
  expect(await screen(made.id), "its own ack takes no card away").toHaveLength(1);

  // Somebody reads it in another browser: the card goes.
  const elsewhere = await guest(who);
  const inbox = await visit(elsewhere, "/inbox");
  await expect(titles(inbox, title)).toHaveCount(1);
  await expect.poll(() => screen(made.id), { timeout: 10_000 }).toEqual([]);
  const withdrawal = (await pushes(made.id)).at(-1);
  expect(withdrawal).toEqual({ v: 1, purpose: "withdraw", notificationId: id, tag: id });
  await deliverer.deliver(withdrawal);
  await expect.poll(() => cards(worker)).toEqual([]);

  await open(page, "/inbox");
  const control = await menu(page);
  await control.getByRole("button", { name: "Turn off" }).click();
  await expect(control.getByRole("button", { name: "Turn on" })).toBeVisible();
  expect(await page.evaluate(() => localStorage.getItem("test.subscribed"))).toBeNull();
  const kept = await worker.evaluate("Promise.all([read('registration'), read('acks')])");
  expect(kept).toEqual([undefined, undefined]);
  await page.goto("about:blank");
  await publish({ to: who.key, title: "unheard", class: "urgent" });
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  expect(await screen(made.id)).toEqual([]);
});

async function pushes(id: string): Promise<any[]> {
  const answer = await fetch(`${ready().phones}/devices/${id}`);
  return ((await answer.json()) as any).received.map((push: any) => push.content);
}

test("a click opens what the card leads to, in the page that is there, and is told", async ({ guest }) => {
  const { who, context, page } = await device(guest);
  await turnOn(page);
  const worker = await workerOf(context);
  const deliverer = await Deliverer.of(page, worker);
  const id = await publish({ to: who.key, title: `to click ${unique()}` });
  await deliverer.deliver({ v: 1, purpose: "notify", notificationId: id, tag: id, title: "Look", link: "/approvals" });
  await expect.poll(async () => (await cards(worker)).map((card) => card.title)).toEqual(["Look"]);
  await page.evaluate(() => document.documentElement.setAttribute("data-same", ""));
  await click(worker, id);
  await expect(page).toHaveURL(/\/approvals$/);
  await expect(page.locator("html[data-same]"), "by the page's own router").toBeAttached();
  await expect.poll(() => cards(worker)).toEqual([]);
  await expect.poll(() => vias(id, who.key)).toContain("tap");

  // Without a link, or with one to elsewhere: the notification in the inbox.
  const other = await publish({ to: who.key, title: `in the inbox ${unique()}` });
  const elsewhere = { v: 1, purpose: "notify", notificationId: other, tag: other, title: "Look", link: "https://evil.example/" };
  await deliverer.deliver(elsewhere);
  await expect.poll(async () => (await cards(worker)).length).toBe(1);
  await click(worker, other);
  await expect(page).toHaveURL(new RegExp(`/inbox#n-${other}$`));
  await expect(page.locator(`[id="n-${other}"]`)).toBeInViewport();
});

/** How devices came by it, each fact once. */
async function vias(id: string, user: string): Promise<string[]> {
  const answer = await call("GET", `/notifications/${id}/explain?user=${user}`);
  return answer.body.delivery.receipts.map((receipt: { via: string }) => receipt.via);
}

test("where no page is open a click opens one", async ({ guest }) => {
  const { who, context, page } = await device(guest);
  await turnOn(page);
  const worker = await workerOf(context);
  const deliverer = await Deliverer.of(page, worker);
  const id = await publish({ to: who.key, title: `closed ${unique()}` });
  await deliverer.deliver({ v: 1, purpose: "notify", notificationId: id, tag: id, title: "Look" });
  await expect.poll(async () => (await cards(worker)).length).toBe(1);
  // A browser opens windows only for a real click: what the worker asks for is noted instead.
  await worker.evaluate(() => {
    const scope = self as any;
    scope.clients.matchAll = async () => [];
    scope.clients.openWindow = async (path: string) => {
      scope.asked = path;
      return null;
    };
  });
  await click(worker, id);
  await expect.poll(() => worker.evaluate(() => (self as any).asked)).toBe(`/inbox#n-${id}`);
  await expect.poll(() => vias(id, who.key)).toContain("tap");
});

test("what cannot be read is shown all the same, and Apple's withdrawal takes the card's place", async ({ guest }) => {
  const { context, page } = await device(guest, "apple");
  await turnOn(page);
  const worker = await workerOf(context);
  const deliverer = await Deliverer.of(page, worker);
  await deliverer.deliver("no JSON at all");
  await expect.poll(async () => (await cards(worker)).map((card) => card.title)).toEqual(["You have a new notification"]);
  const tag = "0193a000-0000-7000-8000-000000000001";
  await deliverer.deliver({ v: 1, purpose: "notify", notificationId: tag, tag });
  await expect.poll(async () => (await cards(worker)).length, "no words may leave: its own are shown").toBe(2);
  await deliverer.deliver({ v: 1, purpose: "withdraw", notificationId: tag, tag, visible: true, title: "Handled elsewhere" });
  await expect
    .poll(async () => (await cards(worker)).filter((card) => card.tag === tag))
    .toMatchObject([{ title: "Handled elsewhere", silent: true, data: { settled: true } }]);
});

test("an ack that finds no network is sent with the next", async ({ guest, complaints }) => {
  const { who, context, page } = await device(guest);
  await turnOn(page);
  const worker = await workerOf(context);
  const deliverer = await Deliverer.of(page, worker);
  await page.goto("about:blank");
  const [first, second] = [await publish({ to: who.key, title: "one" }), await publish({ to: who.key, title: "two" })];
  await worker.evaluate(() => {
    const scope = self as any;
    scope.real = scope.fetch;
    scope.fetch = async () => {
      throw new TypeError("Failed to fetch");
    };
  });
  await deliverer.deliver({ v: 1, purpose: "notify", notificationId: first, tag: first, title: "one" });
  await expect.poll(async () => (await cards(worker)).length, "shown without a network").toBe(1);
  expect((await delivery(first)).state).not.toBe("acked");
  await worker.evaluate(() => {
    const scope = self as any;
    scope.fetch = scope.real;
  });
  await deliverer.deliver({ v: 1, purpose: "notify", notificationId: second, tag: second, title: "two" });
  for (const id of [first, second]) {
    await expect.poll(async () => had(await delivery(id))).toContain("push");
  }
  forgive(complaints, /Failed to fetch/);
});

test("signing out takes this browser back, and the next person is not notified for the one before", async ({ guest }) => {
  const { who, context, page, made } = await device(guest);
  await turnOn(page);
  await menu(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/sign-in/);
  expect(await page.evaluate(() => localStorage.getItem("test.subscribed"))).toBeNull();
  await publish({ to: who.key, title: "after", class: "urgent" });
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  expect(await screen(made.id)).toEqual([]);

  // Somebody who did not sign out, and whose session ended: the next person's page clears up.
  await signIn(context, who);
  await open(page, "/inbox");
  await turnOn(page);
  await page.goto("about:blank");
  await context.clearCookies();
  const [next] = await hire(["employee"]);
  await signIn(context, next);
  await open(page, "/inbox");
  await expect((await menu(page)).getByRole("button", { name: "Turn on" })).toBeVisible();
  expect(await page.evaluate(() => localStorage.getItem("test.subscribed"))).toBeNull();
});

test("at each start it registers again, and stays on when the server is away then", async ({ guest, complaints }) => {
  const { context, page } = await device(guest);
  await turnOn(page);
  const worker = await workerOf(context);
  await worker.evaluate(() => {
    const scope = self as any;
    const real = scope.fetch;
    scope.asked = [];
    scope.away = false;
    scope.fetch = async (path: string, init: RequestInit) => {
      scope.asked.push(`${init.method} ${path}`);
      if (scope.away) throw new TypeError("Failed to fetch");
      return await real(path, init);
    };
  });
  const asked = () => worker.evaluate(() => (self as any).asked as string[]);
  await page.reload();
  await alive(page);
  await expect((await menu(page)).getByRole("button", { name: "Turn off" })).toBeVisible();
  await expect.poll(asked).toEqual(["PUT /push/registration"]);

  await worker.evaluate(() => {
    (self as any).away = true;
  });
  await page.reload();
  await alive(page);
  await expect((await menu(page)).getByRole("button", { name: "Turn off" })).toBeVisible();
  await expect.poll(asked).toHaveLength(2);
  forgive(complaints, /Failed to fetch/);
});

test("the demo's phones: an urgent message to somebody who is away, opened there", async ({ page, guest }) => {
  const { phones } = ready();
  expect(phones).not.toBeNull();
  const title = `Line 3 stands ${unique()}`;
  const id = await publish({ to: "kwabena", title, class: "urgent" });
  await page.goto(phones as string);
  const phone = page.locator("section").filter({ hasText: "Kwabena's phone" });
  const tablet = page.locator("section").filter({ hasText: "Kwabena's tablet" });
  await expect(phone.locator("li:not(.gone)")).toContainText(["Urgent: please look now"], { timeout: 20_000 });
  await expect(tablet.locator("li:not(.gone)")).toContainText(["Urgent: please look now"]);
  await accessible(page);
  await phone.getByRole("button", { name: "Open: Urgent: please look now" }).first().click();
  await expect(phone.locator("li").first()).toContainText("opened");
  await expect.poll(async () => (await delivery(id)).state).toBe("acked");
  await expect(tablet.locator("li").first()).toContainText("Handled elsewhere", { timeout: 10_000 });
  expect((await delivery(id)).devices).toMatchObject([{ device: "demo-fcm", via: "tap" }]);

  const [who] = await hire(["employee"]);
  const inbox = await visit(await guest(who), "/inbox");
  await expect(inbox.getByRole("link", { name: "Demo phones" })).toHaveAttribute("href", phones as string);
});
