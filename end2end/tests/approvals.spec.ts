// One decision, seen by everybody it concerns, without a reload.
import { ask, request, unique } from "../api";
import { bell, expect, forgive, marked, test, toasted, visit } from "../page";
import { hire } from "../people";

test("an approval reaches the requester and the other approver", async ({ guest }) => {
  const [requester, one, two] = await hire(["employee"], ["employee", "manager"], ["employee", "manager"]);
  const subject = `Laptop stands ${unique()}`;
  const mine = await visit(await guest(requester), "/approvals?tab=mine");
  const theirs = await visit(await guest(two), "/approvals");
  const same = [await marked(mine), await marked(theirs)];
  await expect(mine.getByText("No requests of yours")).toBeVisible();
  await expect(theirs.getByText("You are caught up")).toBeVisible();

  const id = await ask(requester.key, [one.key, two.key], subject);
  await expect(mine.getByRole("row", { name: subject })).toContainText(`With ${one.name}, ${two.name}`);
  await expect(theirs.getByRole("row", { name: subject })).toContainText(requester.name);
  await expect(theirs.getByRole("link", { name: "Waiting on me 1" })).toBeVisible();

  const page = await visit(await guest(one), `/approvals/${id}`);
  await page.getByRole("button", { name: "Approve €540.00" }).click();
  await toasted(page, `You approved ${subject}`);
  await expect(page.getByRole("article", { name: subject })).toContainText(`by ${one.name}`);

  await expect(mine.getByRole("row", { name: subject })).toContainText("Approved");
  await toasted(mine, `${one.name} approved: ${subject}`);
  await expect(bell(mine, "Notifications, 1 new")).toBeVisible();
  await expect(theirs.getByText("You are caught up")).toBeVisible();
  await expect(theirs.getByRole("link", { name: "Waiting on me", exact: true })).toBeVisible();
  for (const still of same) await still();
});

test("a rejection's reason appears on the open request", async ({ guest }) => {
  const [requester, approver] = await hire(["employee"], ["employee", "manager"]);
  const subject = `Standing desk ${unique()}`;
  const id = await ask(requester.key, [approver.key], subject);
  const mine = await visit(await guest(requester), `/approvals/${id}?tab=mine`);
  const same = await marked(mine);
  const page = await visit(await guest(approver), `/approvals/${id}`);

  await page.getByRole("button", { name: "Reject…" }).click();
  const dialog = page.getByRole("dialog", { name: `Reject “${subject}”` });
  await dialog.getByLabel("Reason").fill("Not <b>this</b> year.");
  await dialog.getByRole("button", { name: "Reject the request" }).click();
  await toasted(page, `You rejected ${subject}`);
  await expect(dialog).toBeHidden();

  const article = mine.getByRole("article", { name: subject });
  await expect(article).toContainText("Rejected");
  await expect(article).toContainText("Not <b>this</b> year.");
  await expect(mine.getByRole("row", { name: subject })).toContainText("Rejected");
  await same();
});

test("the loser of a race sees who won, and nothing is decided twice", async ({ guest, complaints }) => {
  const [requester, winner, loser] = await hire(["employee"], ["employee", "manager"], ["employee", "manager"]);
  const subject = `Forklift ${unique()}`;
  const id = await ask(requester.key, [winner.key, loser.key], subject);
  const first = await visit(await guest(winner), `/approvals/${id}`);
  const second = await visit(await guest(loser), `/approvals/${id}`);

  // The loser's decision is on its way, held up in the network, while the winner's is made.
  let release = () => {};
  const won = new Promise<void>((resolve) => (release = resolve));
  await second.route("**/_fn/approvals/decide*", async (route) => {
    await won;
    await route.continue();
  });
  await second.getByRole("button", { name: "Approve €540.00" }).click();
  await expect(second.getByRole("button", { name: "Approving" })).toBeDisabled();
  await first.getByRole("button", { name: "Approve €540.00" }).click();
  await toasted(first, `You approved ${subject}`);
  release();

  const refusal = second.getByRole("article", { name: subject }).getByRole("alert").first();
  await expect(refusal).toContainText(`Already approved by ${winner.name}`);
  await expect(refusal).toContainText("nothing was decided twice");
  await refusal.getByRole("button", { name: "View the request" }).click();
  await expect(second.getByRole("article", { name: subject })).toContainText(`by ${winner.name}`);
  const now = await request(id);
  expect(now.state).toBe("approved");
  expect(now.steps[0].approvers.map((each: any) => each.state).sort()).toEqual(["approved", "superseded"]);
  // A refusal is an HTTP error, and the browser says so by itself.
  forgive(complaints, /Failed to load resource.*_fn\/approvals\/decide/);
});
