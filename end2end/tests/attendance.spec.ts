// A punch shows on HR's board: in its row, in the tiles, in the rail.
import { punch } from "../api";
import { expect, marked, test, visit } from "../page";
import { hire } from "../people";
import { figure, tile } from "../numbers";

test("a punch changes its row in place, and the numbers", async ({ guest }) => {
  const [hr, worker] = await hire(["employee", "hr"], ["employee"]);
  const page = await visit(await guest(hr), `/attendance?search=${encodeURIComponent(worker.name)}`);
  const same = await marked(page);
  const row = page.getByRole("row", { name: worker.name });
  await expect(row).toContainText("Not seen");
  await row.evaluate((element) => element.setAttribute("data-same", ""));
  const present = await figure(tile(page, "In"));
  const unseen = await figure(tile(page, "Not seen today"));
  const people = await figure(tile(page, "People"));

  await punch(worker.key, "in");
  await expect(row).toContainText("In");
  await expect(row).not.toContainText("Not seen");
  await expect(row).toContainText("Gate-1 face");
  await expect(row, "the row was patched, not drawn anew").toHaveAttribute("data-same");
  await expect.poll(() => figure(tile(page, "In"))).toBe(present + 1);
  expect(await figure(tile(page, "Not seen today"))).toBe(unseen - 1);
  expect(await figure(tile(page, "People"))).toBe(people);
  const rail = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /^Attendance/ });
  await expect.poll(() => figure(rail)).toBe(present + 1);
  await same();
});

test("the board is for HR only", async ({ guest, complaints }) => {
  const [worker] = await hire(["employee"]);
  const page = await visit(await guest(worker), "/attendance");
  await expect(page.getByText("Not for your role")).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Attendance" })).toHaveCount(0);
  forgive403(complaints);
});

/** The page itself is a 403, and the browser says so by itself. */
function forgive403(complaints: string[]): void {
  expect(complaints.splice(0)).toEqual([expect.stringContaining("status of 403")]);
}
