// The service worker of Bellhop's own pages. It shows what is pushed, says that it arrived, takes back what is
// settled, and opens what a card leads to. It loads nothing and keeps no pages: without a push it does nothing.
// What arrives is described in docs/push.md.
"use strict";

const ACKS = "/api/v1/acks";
const REGISTRATION = "/push/registration";
/** Acks that found no network wait for it; more than these are not kept. */
const MOST_ACKS = 500;
/** How long a page may take to say that it opens what was clicked: a browser lets us open a window for a few seconds. */
const PATIENCE = 1_500;

/** When nothing but an id may leave the premises, and for what cannot be read. */
const WORDS = {
  en: { news: "You have a new notification", settled: "Handled elsewhere" },
  de: { news: "Sie haben eine neue Nachricht", settled: "Anderswo erledigt" },
  es: { news: "Tiene una notificación nueva", settled: "Resuelto en otro lugar" },
  fr: { news: "Vous avez une nouvelle notification", settled: "Traité ailleurs" },
  nl: { news: "U hebt een nieuwe melding", settled: "Elders afgehandeld" },
  vi: { news: "Bạn có thông báo mới", settled: "Đã xử lý ở nơi khác" },
};

function words() {
  const language = (self.navigator.language || "en").slice(0, 2).toLowerCase();
  return WORDS[language] || WORDS.en;
}

self.addEventListener("install", () => self.skipWaiting());

// ---- What is kept: who this browser is registered for, and acks that wait.

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("bellhop-push", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("kept");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function kept(mode, act) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction("kept", mode);
      const request = act(transaction.objectStore("kept"));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

const read = (name) => kept("readonly", (store) => store.get(name));
const write = (name, value) => kept("readwrite", (store) => store.put(value, name));
const forget = (name) => kept("readwrite", (store) => store.delete(name));

/** One after the other: what reads, waits and writes again must not overtake itself. */
let line = Promise.resolve();
function inTurn(act) {
  const done = line.then(act);
  line = done.catch(() => {});
  return done;
}

// ---- A push arrives.

self.addEventListener("push", (event) => event.waitUntil(arrived(content(event.data))));

function content(data) {
  try {
    const message = data.json();
    return message && typeof message === "object" ? message : {};
  } catch {
    return {}; // it is shown all the same: a push that shows nothing costs the subscription
  }
}

const text = (value) => (typeof value === "string" ? value : "");

async function arrived(message) {
  const id = text(message.notificationId);
  const tag = text(message.tag) || id;
  await (message.purpose === "withdraw" ? withdrawn(message, tag) : shown(message, id, tag));
  await badge(message.badge);
  if (message.purpose !== "withdraw" && id) await acknowledge(id, "push");
}

/** Whether or not a window looks focused: a page that is frozen claims that, too. */
async function shown(message, id, tag) {
  const urgent = message.urgent === true;
  await self.registration.showNotification(text(message.title) || words().news, {
    body: text(message.body),
    // Without a tag there is nothing to replace, and `renotify` would be an error.
    ...(tag && { tag, renotify: urgent }),
    requireInteraction: urgent,
    data: { id, link: text(message.link) },
  });
}

/** The server says where nothing may go unseen: there a silent line takes the card's place. */
async function withdrawn(message, tag) {
  if (message.visible === true) {
    await self.registration.showNotification(text(message.title) || words().settled, {
      ...(tag && { tag }),
      silent: true,
      data: { settled: true },
    });
    return;
  }
  const cards = await self.registration.getNotifications({ tag });
  if (tag) cards.forEach((card) => card.close());
}

async function badge(count) {
  if (!Number.isInteger(count) || !self.navigator.setAppBadge) return;
  await (count > 0 ? self.navigator.setAppBadge(count) : self.navigator.clearAppBadge()).catch(() => {});
}

// ---- Acks: kept before they are sent, so that none is lost with the network or with this worker.

async function acknowledge(id, via) {
  const ack = { ids: [id], via, at: new Date().toISOString() };
  await inTurn(async () => {
    const waiting = (await read("acks")) || [];
    await write("acks", [...waiting, ack].slice(-MOST_ACKS));
  });
  await sendAcks();
}

function sendAcks() {
  return inTurn(async () => {
    const [registration, waiting] = [await read("registration"), (await read("acks")) || []];
    while (registration && waiting.length > 0) {
      const status = await sent(waiting[0], registration.credential);
      if (status === 401 || status === 403) {
        // Another credential has taken this one's place, or the account is closed. A page registers again.
        waiting.length = 0;
      } else if (status !== 200 && status !== 422) {
        // Where a browser can, it calls us when the network is back; else the next push or page does.
        if (self.registration.sync) await self.registration.sync.register("acks").catch(() => {});
        break;
      }
      waiting.shift();
      await write("acks", waiting);
    }
  });
}

async function sent(ack, credential) {
  try {
    const answer = await fetch(ACKS, {
      method: "POST",
      credentials: "omit",
      headers: { authorization: `Bearer ${credential}`, "content-type": "application/json" },
      body: JSON.stringify(ack),
    });
    return answer.status;
  } catch {
    return 0;
  }
}

self.addEventListener("sync", (event) => {
  if (event.tag === "acks") event.waitUntil(sendAcks());
});

// ---- A card is clicked.

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { id = "", link = "", settled = false } = event.notification.data || {};
  const tapped = id && !settled ? acknowledge(id, "tap") : Promise.resolve();
  event.waitUntil(Promise.all([open(place(link, id)), tapped]));
});

/** A path of this site: the card's own, or the notification in the inbox. */
function place(link, id) {
  try {
    const url = new URL(link, self.location.origin);
    if (link && url.origin === self.location.origin) return url.pathname + url.search + url.hash;
  } catch {
    // no address at all
  }
  return id ? `/inbox#n-${id}` : "/inbox";
}

/** In the window that was used last, where its page is alive; else in a new one. */
async function open(path) {
  const [newest] = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (newest) {
    await newest.focus().catch(() => {});
    if (await agrees(newest, { type: "open", path })) return;
  }
  await self.clients.openWindow(path).catch(() => {});
}

function agrees(page, message) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(true);
    setTimeout(() => resolve(false), PATIENCE);
    page.postMessage(message, [port2]);
  });
}

// ---- This browser registers, or no longer wants pushes. Pages ask; the answer goes to the port they send.

self.addEventListener("message", (event) => {
  const [port] = event.ports;
  const act = { register, leave, tell }[event.data && event.data.type];
  if (!port || !act) return;
  const failed = (error) => ({ error: String((error && error.message) || error) });
  event.waitUntil(
    act(event.data).catch(failed).then((answer) => port.postMessage(answer)),
  );
});

/** `scope` names tenant and user, `key` the server's key the subscription is bound to. */
function register({ scope, device, key, subscription }) {
  return inTurn(async () => {
    const answer = await call("PUT", { device, subscription });
    if (!answer.credential) return answer;
    const { credential } = answer;
    await write("registration", { scope, device, key, credential, endpoint: subscription.endpoint });
    return {};
  }).then(async (answer) => {
    if (!answer.error) await sendAcks();
    return answer;
  });
}

/** On sign-out, and when it is turned off: nothing of it stays, here or on the server. */
function leave() {
  return inTurn(async () => {
    const registration = await read("registration");
    if (registration) await call("DELETE", { device: registration.device });
    await forget("registration");
    await forget("acks");
    const subscription = await self.registration.pushManager.getSubscription();
    // Also where the server was not told: the push service answers "gone" from now on.
    if (subscription) await subscription.unsubscribe();
    (await self.registration.getNotifications()).forEach((card) => card.close());
    await badge(0);
    return {};
  });
}

async function tell() {
  const { scope, key, endpoint } = (await read("registration")) || {};
  return { scope, key, endpoint };
}

async function call(method, body) {
  const answer = await fetch(REGISTRATION, {
    method,
    credentials: "same-origin",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status === 204) return {};
  const read = await answer.json().catch(() => ({}));
  if (answer.ok) return read;
  return { error: read.detail || `the server answered ${answer.status}`, status: answer.status };
}

/** The browser has another subscription now, or none. If the session is over, the next page registers. */
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

async function renew(event) {
  const registration = await read("registration");
  if (!registration) return;
  const { scope, device, key } = registration;
  const renewed =
    event.newSubscription ||
    (await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
  await register({ scope, device, key, subscription: renewed.toJSON() });
}
