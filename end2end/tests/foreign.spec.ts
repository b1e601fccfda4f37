// A program that only knows the database: what it says in SQL shows on the screens.
import { unique } from "../api";
import { foreign, type Foreign } from "../foreign";
import { figure, tile } from "../numbers";
import { bell, expect, marked, test, titles, toast, visit } from "../page";
import { hire } from "../people";

let program: Foreign;
test.beforeEach(async () => {
  program = await foreign();
});
test.afterEach(async () => {
  await program?.leave();
});

test("bellhop.publish shows in an open inbox", async ({ guest }) => {
  const [who] = await hire(["employee"]);
  const browser = await guest(who);
  const page = await visit(browser, "/inbox");
  const elsewhere = await visit(browser, "/approvals");
  const same = await marked(page);
  const title = `Payslip ${unique()}`;
  await program.sql(
    "SELECT bellhop.publish(kind => 'NewTask', title => $1, body => 'For November.', users => ARRAY[$2])",
    [title, who.key],
  );
  await expect(titles(page, title)).toHaveText([title]);
  await expect(toast(elsewhere)).toContainText(title);
  await expect(bell(elsewhere, "Notifications, none new"), "it was seen in the inbox").toBeVisible();
  await same();
});

test("what is not committed does not show", async ({ guest }) => {
  const [who] = await hire(["employee"]);
  const page = await visit(await guest(who), "/inbox");
  const word = unique();
  const say = "SELECT bellhop.publish(kind => 'NewTask', title => $1, users => ARRAY[$2])";
  await program.sql("BEGIN");
  await program.sql(say, [`never ${word}`, who.key]);
  await program.sql("ROLLBACK");
  await program.sql(say, [`said ${word}`, who.key]);
  await expect(titles(page, word)).toHaveText([`said ${word}`]);
});

test("bellhop.punch shows on the board", async ({ guest }) => {
  const [hr, worker] = await hire(["employee", "hr"], ["employee"]);
  const page = await visit(await guest(hr), `/attendance?search=${encodeURIComponent(worker.name)}`);
  const same = await marked(page);
  const row = page.getByRole("row", { name: worker.name });
  await expect(row).toContainText("Not seen");
  const present = await figure(tile(page, "In"));
  await program.sql("SELECT bellhop.punch(device => 'Dock-1 card', user_key => $1, direction => 'in')", [worker.key]);
  await expect(row).toContainText("Dock-1 card");
  await expect(row).not.toContainText("Not seen");
  await expect.poll(() => figure(tile(page, "In"))).toBe(present + 1);
  await same();
});

test("a role without a grant is told what to do", async () => {
  const stranger = await foreign({ granted: false });
  try {
    for (const say of [
      "SELECT bellhop.publish(kind => 'NewTask', title => 'x', users => ARRAY['nobody-here'])",
      "SELECT bellhop.punch(device => 'Dock-1 card', user_key => 'nobody-here')",
    ]) {
      const refused = await stranger.sql(say).then(() => null, (error) => error);
      expect(refused?.message, say).toMatch(/^bellhop: the database role "foreign_\w+" speaks for no service$/);
      expect(refused?.hint, say).toContain("bellhop db grant ROLE --tenant TENANT --service SERVICE");
    }
  } finally {
    await stranger.leave();
  }
});

test("a role with a grant reads no table and is told whom it cannot name", async () => {
  await expect(program.sql("SELECT * FROM bellhop.user_account")).rejects.toThrow(/permission denied/);
  await expect(
    program.sql("SELECT bellhop.publish(kind => 'NewTask', title => 'x', users => ARRAY['nobody-here'])"),
  ).rejects.toThrow(/unknown user "nobody-here"/);
});
