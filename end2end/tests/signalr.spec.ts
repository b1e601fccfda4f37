// The unmodified npm client over each transport: receive, acknowledge, be cut off, come back. No browser.
import { expect, test } from "@playwright/test";
import { HubConnectionState } from "@microsoft/signalr";
import { delivery, publish, publishAll, unique } from "../api";
import { Patience, documented } from "../patience";
import { hire } from "../people";
import { Phone, WAYS, type Item } from "../phone";
import { Wire } from "../proxy";

const KIND = "DocumentApproved";

/** What a test holds is given back, however it ends. */
const held: (() => Promise<unknown>)[] = [];
test.afterEach(async () => {
  for (const release of held.splice(0).reverse()) await release();
});

async function connected(
  user: string,
  options: object,
  device?: string,
  policy?: ConstructorParameters<typeof Phone>[4],
): Promise<{ phone: Phone; wire: Wire }> {
  const wire = await Wire.lay();
  held.push(() => wire.remove());
  const phone = new Phone(user, wire.hub, options, device, policy);
  held.push(() => phone.connection.stop());
  await phone.connection.start();
  return { phone, wire };
}

/** Cuts the wire; until it is mended every attempt to come back fails. */
async function cut(phone: Phone, wire: Wire): Promise<void> {
  wire.cut();
  await expect.poll(() => phone.away, "the phone noticed").toBe(true);
}

async function back(phone: Phone, wire: Wire): Promise<void> {
  const before = phone.returns;
  wire.mend();
  await expect.poll(() => phone.returns, "the phone came back").toBe(before + 1);
}

function ascending(seqs: number[]): boolean {
  return seqs.every((seq, index) => index === 0 || seq > seqs[index - 1]);
}

for (const { way, options } of WAYS) {
  test(`${way}: receives, acknowledges, and gets what it missed, once and in order`, async () => {
    const [{ key }] = await hire(["employee"]);
    const { phone, wire } = await connected(key, options, `phone-${unique()}`);

    const data = { documentId: 4711, approvedBy: "Ingrid", lines: [{ sku: "a", count: 2 }] };
    const title = "Your purchase request was approved";
    const first = await publish({ to: key, kind: KIND, title, body: "By Ingrid.", data });
    await expect.poll(() => phone.ids).toEqual([first]);
    const item: Item = phone.heard[0];
    expect(item).toMatchObject({ ...data, notificationId: first, kind: KIND, title, body: "By Ingrid." });
    expect(item.replayed).toBe(false);
    expect(item.seq).toBe(1);
    expect(Math.abs(Date.parse(item.timestamp) - Date.now())).toBeLessThan(60_000);

    expect(await phone.ack(first), "newly acknowledged").toBe(1);
    expect(await phone.ack(first), "again").toBe(0);
    const receipts = expect.arrayContaining([expect.objectContaining({ via: "hub" })]);
    expect(await delivery(first)).toMatchObject({ user: key, state: "acked", devices: receipts });

    await cut(phone, wire);
    const missed = await publishAll(key, ["one", "two", "three", "four", "five"], KIND);
    expect(phone.ids).toEqual([first]);
    expect((await delivery(missed[0])).state).toBe("queued");
    await back(phone, wire);
    await expect.poll(() => phone.ids).toEqual([first, ...missed]);
    expect(phone.seqs).toEqual([1, 2, 3, 4, 5, 6]);
    expect(phone.heard.slice(1).every((each) => each.replayed)).toBe(true);

    expect(await phone.connection.invoke("AcknowledgeMany", missed.slice(0, 2))).toBe(2);
    expect(await phone.connection.invoke("AcknowledgeThrough", 6)).toBe(3);
    await cut(phone, wire);
    await back(phone, wire);
    const last = await publish({ to: key, kind: KIND, title: "live again" });
    await expect.poll(() => phone.ids).toEqual([first, ...missed, last]);
    expect(phone.heard.at(-1)?.replayed).toBe(false);
  });

  test(`${way}: a client that never acknowledges is shown each item once over three reconnects`, async () => {
    const [{ key }] = await hire(["employee"]);
    const { phone, wire } = await connected(key, options, `old-${unique()}`);
    const sent: string[] = [];
    for (const round of ["first", "second", "third"]) {
      sent.push(await publish({ to: key, kind: KIND, title: `${round}, live` }));
      await expect.poll(() => phone.ids).toEqual(sent);
      // The transport itself tells that it arrived: then it counts as reached, never as acknowledged.
      await expect.poll(async () => (await delivery(sent.at(-1) ?? "")).state).toBe("reached");
      await cut(phone, wire);
      sent.push(...(await publishAll(key, [`${round}, missed 1`, `${round}, missed 2`], KIND)));
      await back(phone, wire);
      await expect.poll(() => phone.ids).toEqual(sent);
      await expect.poll(async () => (await delivery(sent.at(-1) ?? "")).state).toBe("reached");
    }
    expect(phone.returns).toBe(3);
    expect(ascending(phone.seqs)).toBe(true);
  });
}

for (const { way, options } of WAYS.slice(0, 3)) {
  test(`${way}: what a handler returns acknowledges; nothing, false and an error do not`, async () => {
    const [{ key }] = await hire(["employee"]);
    const { phone, wire } = await connected(key, options, `result-${unique()}&acks=result`);
    const outcomes: Record<string, () => unknown> = {
      value: () => ({ shown: true }),
      later: () => new Promise((done) => setTimeout(() => done("shown"), 100)),
      nothing: () => undefined,
      null: () => null,
      false: () => false,
      error: () => {
        throw new Error("The page is gone.");
      },
    };
    phone.connection.off(KIND);
    phone.connection.on(KIND, (item: Item) => {
      phone.heard.push(item);
      return outcomes[item.title]();
    });
    const sent = await publishAll(key, Object.keys(outcomes), KIND);
    await expect.poll(() => phone.ids).toEqual(sent);
    const state = async (id: string) => (await delivery(id)).state;
    for (const id of sent.slice(0, 2)) await expect.poll(() => state(id)).toBe("acked");
    const receipts = expect.arrayContaining([expect.objectContaining({ via: "hub" })]);
    expect((await delivery(sent[0])).devices).toEqual(receipts);
    // It goes on reading and polling, which would be evidence of a device that did not answer for itself.
    const last = await publish({ to: key, kind: KIND, title: "value" });
    await expect.poll(() => state(last)).toBe("acked");
    for (const id of sent.slice(2)) expect(await state(id)).toBe("queued");

    await cut(phone, wire);
    await back(phone, wire);
    const again = sent.slice(2);
    await expect.poll(() => phone.ids).toEqual([...sent, last, ...again]);
    expect(phone.heard.slice(-again.length).every((each) => each.replayed)).toBe(true);
    // Some by a call, as ever.
    for (const id of again.slice(0, 2)) expect(await phone.ack(id)).toBe(1);
  });
}

test("handlers may be registered after start: the backlog waits for them", async () => {
  const [{ key }] = await hire(["employee"]);
  const waiting = await publishAll(key, ["one", "two"], "NewTask");
  const { phone } = await connected(key, {}, `late-${unique()}`);
  const heard: string[] = [];
  phone.connection.on("NewTask", (item: Item) => heard.push(item.notificationId));
  await expect.poll(() => heard).toEqual(waiting);
});

test("a device that was never here gets what nobody has acknowledged, and no more", async () => {
  const [{ key }] = await hire(["employee"]);
  const one = await connected(key, {}, `one-${unique()}`);
  const done = await publish({ to: key, kind: KIND, title: "done" });
  await expect.poll(() => one.phone.ids).toEqual([done]);
  expect(await one.phone.ack(done)).toBe(1);
  const open = await publish({ to: key, kind: KIND, title: "shown, and not acknowledged" });
  await expect.poll(() => one.phone.ids).toEqual([done, open]);
  const two = await connected(key, {}, `two-${unique()}`);
  await expect.poll(() => two.phone.ids).toEqual([open]);
  const both = await publish({ to: key, kind: KIND, title: "to both" });
  await expect.poll(() => two.phone.ids).toEqual([open, both]);
  await expect.poll(() => one.phone.ids).toEqual([done, open, both]);
});

// The client's own policy makes four attempts in 42 seconds and is then silent for ever, without a word to
// its user: a phone on a train missed everything until the app was started again.
test("server_away_two_minutes_documented_policy_returns", async () => {
  const [{ key }] = await hire(["employee"]);
  const patient = await connected(key, {}, `patient-${unique()}`, documented());
  const first = await publish({ to: key, kind: KIND, title: "before" });
  await expect.poll(() => patient.phone.ids).toEqual([first]);
  await patient.phone.ack(first);
  const hasty = await connected(key, {}, `hasty-${unique()}`, "the client's own");

  const patience = new Patience();
  held.push(async () => patience.end());
  const passed = () => patience.pauses.reduce((sum, pause) => sum + pause, 0);
  await cut(hasty.phone, hasty.wire);
  await expect.poll(() => hasty.phone.connection.state).toBe(HubConnectionState.Disconnected);
  expect(passed(), "it gave up after").toBe(42_000);

  patience.pauses.length = 0;
  await cut(patient.phone, patient.wire);
  const missed = await publishAll(key, ["one", "two", "three"], KIND);
  await expect.poll(passed, { timeout: 20_000 }).toBeGreaterThan(120_000);
  expect(patient.phone.connection.state).toBe(HubConnectionState.Reconnecting);
  expect(new Set(patience.pauses).size, "jitter").toBe(patience.pauses.length);
  expect(Math.max(...patience.pauses)).toBeLessThan(30_000);
  hasty.wire.mend();
  await back(patient.phone, patient.wire);
  await expect.poll(() => patient.phone.ids).toEqual([first, ...missed]);
  expect(patient.phone.heard.slice(1).every((each) => each.replayed)).toBe(true);
  expect(hasty.phone.connection.state).toBe(HubConnectionState.Disconnected);
});
