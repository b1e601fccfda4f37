// The console on delivery: what was not delivered and sending it again, why somebody got something or not,
// and how hard it is tried.
import { must, publish, unique } from "../api";
import { accessible, expect, forgive, open, test, titles, toast, toasted, visit } from "../page";
import { hire, type Person } from "../people";

/** A class that gives up after a second: the sweep needs three more. */
const HASTY = { life: 60, ladder: [{ after: 1, do: "give_up" }] };
const SOON = { timeout: 15_000 };

test("the undelivered are counted before they are sent again, and sent once", async ({ guest }) => {
  const [admin, away, gone] = await hire(["employee", "admin"], ["employee"], ["employee"]);
  await must("PUT", "/classes/e2e-hasty", HASTY);
  const word = unique();
  for (const who of [away, gone]) {
    await must("POST", "/notifications", {
      kind: "Alarm",
      class: "e2e-hasty",
      title: `lost ${word}`,
      audience: { users: [who.key] },
    });
  }
  const desk = await guest(admin);
  const page = await visit(desk, `/admin/undelivered?search=${word}`);
  const rows = page.getByRole("row").filter({ hasText: word });
  await expect(rows).toHaveCount(2, SOON);
  await expect(rows.first()).toContainText("Given up");
  await accessible(page);

  await must("DELETE", `/users/${gone.key}`);
  await page.getByRole("checkbox", { name: "Select all on this page" }).check();
  await page.getByRole("button", { name: "Send 2 messages again…" }).click();
  const dialog = page.getByRole("dialog", { name: "Send 2 messages again" });
  await expect(dialog).toContainText("1 message will be sent");
  await expect(dialog).toContainText("1 cannot be: The user is inactive.");
  await accessible(page);
  await dialog.getByRole("button", { name: "Send 1 message again" }).click();
  await expect(toast(page)).toContainText("Sent 1 message again");

  const screen = await visit(await guest(away), "/inbox");
  // What was given up stays in the inbox too.
  await expect(titles(screen, word)).toHaveCount(2);
  const list = await must("GET", `/dead-letters?search=${word}`);
  expect(list.items.map((one: any) => one.sent_again !== null).sort()).toEqual([false, true]);
});

test("all undelivered that match are sent again, after a count", async ({ guest }) => {
  const [admin, away, gone] = await hire(["employee", "admin"], ["employee"], ["employee"]);
  await must("PUT", "/classes/e2e-hasty", HASTY);
  const word = unique();
  const lose = async (who: Person, what: string) =>
    await publish({ to: who.key, kind: "Alarm", class: "e2e-hasty", title: `${what} ${word}` });
  for (const what of ["first", "second"]) await lose(away, what);
  await lose(gone, "first");
  const desk = await guest(admin);
  const page = await visit(desk, `/admin/undelivered?search=${word}`);
  await expect(page.getByRole("row").filter({ hasText: word })).toHaveCount(3, SOON);
  await expect(page.getByText("3 match")).toBeVisible();
  await must("DELETE", `/users/${gone.key}`);
  // What is sent again is acked there, and not lost once more.
  await visit(await guest(away), "/inbox");

  // One is sent again before, by hand.
  const { items } = await must("GET", `/dead-letters?search=second ${word}`);
  await must("POST", "/dead-letters/send-again", { ids: [{ user: away.key, seq: items[0].seq }] });

  await page.getByRole("link", { name: "Send all again…" }).click();
  const asking = page.getByRole("region", { name: `Send all again that match “${word}”` });
  await expect(asking).toBeFocused();
  await expect(asking).toContainText("1 message will be sent as new notifications");
  await expect(asking).toContainText("1 was sent again before.");
  await expect(asking).toContainText("1 cannot be: The user is inactive.");
  await accessible(page);
  await asking.getByRole("button", { name: "Send 1 message again" }).click();
  await expect(asking).toContainText("Sent 1 message again. 1 cannot be: The user is inactive.");
  await accessible(page);
  await expect(page.getByRole("row").filter({ hasText: "See it" })).toHaveCount(2, SOON);
  await asking.getByRole("link", { name: "Close" }).click();
  await expect(asking).toBeHidden();
  const list = await must("GET", `/dead-letters?search=${word}`);
  expect(list.items.map((one: any) => one.sent_again !== null).sort()).toEqual([false, true, true]);
});

test("without script all that match are sent again too", async ({ guest }) => {
  const [admin, away] = await hire(["employee", "admin"], ["employee"]);
  await must("PUT", "/classes/e2e-hasty", HASTY);
  const word = unique();
  await publish({ to: away.key, kind: "Alarm", class: "e2e-hasty", title: `lost ${word}` });
  const list = async () => (await must("GET", `/dead-letters?search=${word}`)).items;
  await expect.poll(async () => (await list()).length, SOON).toBe(1);
  await visit(await guest(away), "/inbox");
  const page = await (await guest(admin, { javaScriptEnabled: false })).newPage();
  await page.goto(`/admin/undelivered?search=${word}`);
  await page.getByRole("link", { name: "Send all again…" }).click();
  await page.getByRole("button", { name: "Send 1 message again" }).click();
  await expect(page.getByText("Nothing would be sent. 1 was sent again before.")).toBeVisible();
  expect((await list())[0].sent_again).not.toBeNull();
});

test("why: from the list of messages to what happened and what comes next", async ({ guest }) => {
  const [admin, away, other] = await hire(["employee", "admin"], ["employee"], ["employee"]);
  const word = unique();
  const id = await publish({ to: away.key, title: `why ${word}` });
  const desk = await guest(admin);
  const list = await visit(desk, `/admin/queued?search=${word}`);
  await list.getByRole("link", { name: `why ${word}` }).click();
  await expect(list).toHaveURL(new RegExp(`/admin/why\\?notification=${id}&user=${away.key}`));
  const past = list.getByRole("region", { name: "What happened" });
  await expect(past.getByRole("listitem")).toHaveCount(2);
  await expect(past).toContainText("Accepted from workplace by key:");
  await expect(past).toContainText("Routed as no. 1, named in the audience");
  await expect(list.getByText("Not acked yet: the user has no open connection.")).toBeVisible();
  await expect(list.getByText("If nobody acknowledges it:")).toBeVisible();
  await accessible(list);

  // It is followed: an ack shows without a reload.
  await visit(await guest(away), "/inbox");
  await expect(past).toContainText("Acked by", SOON);
  await expect(list.getByText(/^Nothing: acked by /)).toBeVisible();

  const page = await desk.newPage();
  await open(page, "/admin/why");
  await page.getByLabel("Notification id").fill(id);
  await page.getByLabel("User id").fill(other.key);
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page.getByText("Not in the audience when it was routed: 1 user.")).toBeVisible();
  await page.getByLabel("User id").fill("");
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page.getByRole("link", { name: away.name })).toBeVisible();
  await page.getByLabel("Notification id").fill("");
  await page.getByLabel("User id").fill(away.key);
  await page.getByRole("button", { name: "Explain" }).click();
  await expect(page.getByRole("link", { name: `why ${word}` })).toBeVisible();
});

test("a class is previewed while it is typed, saved, given to a kind and removed", async ({ guest, complaints }) => {
  const [admin] = await hire(["employee", "admin"]);
  const page = await visit(await guest(admin), "/admin/classes");
  await accessible(page);
  const word = unique();
  const key = `e2e-${word}`;
  await page.getByRole("link", { name: "New class" }).click();
  await page.getByLabel("Key").fill(key);
  await page.getByLabel("Life").fill("10 min");
  await page.getByLabel("Ladder").fill("5 s again\n1 min shout");
  const preview = page.getByRole("region", { name: "What would happen" });
  await expect(preview).toContainText("Ladder, line 2");
  await page.getByRole("button", { name: "Save class" }).click();
  await expect(page.getByLabel("Ladder")).toBeFocused();
  await expect(page.getByLabel("Ladder")).toHaveAttribute("aria-invalid", "true");
  await expect(page.locator("#ladder-wrong")).toContainText("Write when and what");
  expect(forgive(complaints, /422.*save-class/)).toBe(1);
  await page.getByLabel("Ladder").fill("5 s again\n1 min push\n5 min give up");
  await expect(preview).toContainText("+5 min");
  await expect(preview.getByText("given up: it is kept as a dead letter").first()).toBeVisible();
  await accessible(page);
  await page.getByRole("button", { name: "Save class" }).click();
  await toasted(page, "Class saved");
  await toast(page).getByRole("button", { name: "Close" }).click();
  await expect(page.getByRole("link", { name: key })).toBeVisible();
  const { classes } = await must("GET", "/classes");
  const saved = classes.find((one: any) => one.key === key);
  expect(saved.class.ladder).toEqual([
    { after: 5, do: "again" },
    { after: 60, do: "push" },
    { after: 300, do: "give_up" },
  ]);

  const kind = `Kind${word}`;
  await page.getByLabel("Kind", { exact: true }).fill(kind);
  await page.getByLabel("Class of the kind").selectOption(key);
  await page.getByRole("button", { name: "Set class" }).click();
  await expect(page.getByRole("listitem").filter({ hasText: kind })).toContainText(key);

  await page.getByRole("link", { name: key }).click();
  await page.getByRole("button", { name: "Remove…" }).click();
  const dialog = page.getByRole("dialog", { name: `Remove ${key}` });
  await dialog.getByRole("button", { name: "Remove class" }).click();
  await expect(dialog.getByRole("alert")).toContainText(`These kinds have it: ${kind}.`);
  await dialog.getByRole("button", { name: "Keep it" }).click();
  await page.getByRole("link", { name: "All classes" }).click();
  await page.getByRole("button", { name: `Forget ${kind}` }).click();
  await expect(page.getByRole("listitem").filter({ hasText: kind })).toBeHidden();
  await page.getByRole("link", { name: key }).click();
  await page.getByRole("button", { name: "Remove…" }).click();
  await dialog.getByRole("button", { name: "Remove class" }).click();
  await expect(page.getByRole("link", { name: key })).toBeHidden();
  expect(forgive(complaints, /422.*remove-class/)).toBe(1);
});

test("without script a class is previewed and saved all the same", async ({ guest }) => {
  const [admin] = await hire(["employee", "admin"]);
  const page = await (await guest(admin, { javaScriptEnabled: false })).newPage();
  const key = `e2e-${unique()}`;
  await page.goto("/admin/classes?new=1");
  await page.getByLabel("Key").fill(key);
  await page.getByLabel("Life").fill("2 min");
  await page.getByLabel("Ladder").fill("7 s again");
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByLabel("Key")).toHaveValue(key);
  await expect(page.getByRole("region", { name: "What would happen" })).toContainText("+7 s");
  await page.getByRole("button", { name: "Save class" }).click();
  const { classes } = await must("GET", "/classes");
  expect(classes.find((one: any) => one.key === key).class.life).toBe(120);
  await must("DELETE", `/classes/${key}`);
});
