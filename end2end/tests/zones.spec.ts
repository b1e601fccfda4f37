// The server renders UTC, the browser shows its own zone: both agree while the page comes alive.
import { ask, publish } from "../api";
import { expect, open, test } from "../page";
import { hire } from "../people";

const PAGES = ["/approvals", "/attendance", "/inbox", "/admin", "/admin/connections", "/admin/groups", "/admin/queued"];

for (const timezoneId of ["Asia/Kolkata", "America/New_York", "Pacific/Kiritimati"]) {
  test(`every page comes alive in ${timezoneId}`, async ({ guest, complaints }) => {
    test.setTimeout(60_000);
    const [who, colleague] = await hire(["employee", "manager", "hr", "admin"], ["employee"]);
    const id = await ask(colleague.key, [who.key], "Across the date line");
    await publish({ to: who.key, title: "Across the date line" });
    const browser = await guest(who, { timezoneId });
    const page = await browser.newPage();
    for (const path of [...PAGES, `/approvals/${id}`]) {
      await open(page, path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      expect(complaints, path).toEqual([]);
    }
    const sent = page.getByRole("article", { name: "Across the date line" }).locator("header time");
    const at = new Date((await sent.getAttribute("datetime")) ?? "");
    const clock = new Intl.DateTimeFormat("en-GB", { timeZone: timezoneId, hour: "2-digit", minute: "2-digit" });
    await expect(sent).toContainText(clock.format(at));
  });
}
