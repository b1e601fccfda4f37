// The stand-ins of the push services, which the demo runs in the server (`server/src/devpush`), and a browser's
// subscription that leads to them: Chromium's own `subscribe` asks Google, which no test may depend on.
import { expect, type BrowserContext, type CDPSession, type Page, type Worker } from "@playwright/test";
import { ready } from "./server";

export interface Registration {
  id: string;
  platform: string;
  tokenOrSubscription: string;
}

/** The stand-ins' own API. */
export async function makers(method: string, path: string, body?: unknown): Promise<any> {
  const answer = await fetch(`${ready().phones}${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  expect(answer.ok, `${method} ${path}: ${answer.status}`).toBe(true);
  const text = await answer.text();
  return text === "" ? null : JSON.parse(text);
}

/** A browser of this maker, subscribed with this key. */
export async function browser(maker: string, applicationServerKey?: string): Promise<Registration> {
  return await makers("POST", "/devices", { platform: "webpush", browser: maker, name: `test, ${maker}`, applicationServerKey });
}

/** Titles of the cards on a device's screen. */
export async function screen(id: string): Promise<string[]> {
  const device = await makers("GET", `/devices/${id}`);
  return device.screen.map((card: { title: string }) => card.title);
}

/** Has pages of this context subscribe at the stand-in instead of at Google; the rest of the path is the real one. */
export async function subscribeAt(context: BrowserContext, registration: Registration): Promise<void> {
  await context.addInitScript((json) => {
    const plain = JSON.parse(json);
    const held = () => (localStorage.getItem("test.subscribed") ? subscription : null);
    const subscription = {
      endpoint: plain.endpoint,
      toJSON: () => plain,
      unsubscribe: async () => {
        localStorage.removeItem("test.subscribed");
        return true;
      },
    };
    PushManager.prototype.getSubscription = async () => held() as unknown as PushSubscription;
    PushManager.prototype.subscribe = async (options) => {
      const key = new Uint8Array(options?.applicationServerKey as ArrayBuffer);
      if (!options?.userVisibleOnly || key.length !== 65 || key[0] !== 4) throw new Error("no subscription of ours");
      localStorage.setItem("test.subscribed", "yes");
      return subscription as unknown as PushSubscription;
    };
  }, registration.tokenOrSubscription);
}

/** The worker of this context, which the page has started. */
export async function workerOf(context: BrowserContext): Promise<Worker> {
  const [found] = context.serviceWorkers();
  return found ?? (await context.waitForEvent("serviceworker"));
}

/** Hands payloads to the worker as the browser would after it has decrypted them. */
export class Deliverer {
  private constructor(
    private readonly session: CDPSession,
    private readonly worker: Worker,
    private readonly origin: string,
    private readonly registration: string,
  ) {}

  static async of(page: Page, worker: Worker): Promise<Deliverer> {
    const session = await page.context().newCDPSession(page);
    const known = new Promise<string>((resolve) => {
      session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const alive = registrations.find((one) => !one.isDeleted && one.scopeURL === `${ready().url}/`);
        if (alive) resolve(alive.registrationId);
      });
    });
    await session.send("ServiceWorker.enable");
    await worker.evaluate(() => {
      const scope = self as any;
      const show = scope.registration.showNotification.bind(scope.registration);
      scope.drawn = 0;
      scope.registration.showNotification = async (...all: unknown[]) => {
        await show(...all);
        scope.drawn += 1;
      };
    });
    return new Deliverer(session, worker, ready().url, await known);
  }

  /**
   * Answers when what it shows is drawn. Nobody may look earlier: `getNotifications` while a card is being drawn makes
   * Chromium forget the card, since it is in its books and not yet on the screen.
   */
  async deliver(payload: any): Promise<void> {
    const drawn = () => this.worker.evaluate(() => (self as any).drawn as number);
    const before = await drawn();
    await this.session.send("ServiceWorker.deliverPushMessage", {
      origin: this.origin,
      registrationId: this.registration,
      data: typeof payload === "string" ? payload : JSON.stringify(payload),
    });
    if (payload.purpose === "withdraw" && !payload.visible) return;
    await expect.poll(drawn, "the worker shows something").toBeGreaterThan(before);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

export interface Card {
  title: string;
  body: string;
  tag: string;
  silent: boolean | null;
  requireInteraction: boolean;
  data: { id?: string; link?: string; settled?: boolean };
}

/** What the browser shows of ours. */
export async function cards(worker: Worker): Promise<Card[]> {
  return await worker.evaluate(async () => {
    const scope = self as unknown as { registration: ServiceWorkerRegistration };
    const shown = await scope.registration.getNotifications();
    return shown.map(({ title, body, tag, silent, requireInteraction, data }) => ({
      title,
      body,
      tag,
      silent,
      requireInteraction,
      data,
    }));
  });
}

/** Somebody clicks the card with this tag: the event that the browser would send. */
export async function click(worker: Worker, tag: string): Promise<void> {
  await worker.evaluate(async (tag) => {
    const scope = self as any;
    const [notification] = await scope.registration.getNotifications({ tag });
    if (!notification) throw new Error(`no card ${tag}`);
    scope.dispatchEvent(new scope.NotificationEvent("notificationclick", { notification }));
  }, tag);
}
