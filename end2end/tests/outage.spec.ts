// The database goes away and comes back: pages say so, keep what they show, and go on by themselves.
import pg from "pg";
import { call, publishAll, unique } from "../api";
import { connection, expect, forgive, marked, test, titles, visit } from "../page";
import { hire } from "../people";
import { ready } from "../server";

/** What a browser says by itself about an answer that was an error. */
const REFUSED = /status of 503/;

/** Nobody gets a connection to the server's database any more, until `open`. */
async function shut(): Promise<{ open: () => Promise<void> }> {
  const url = new URL(ready().database_url ?? "");
  const name = url.pathname.slice(1);
  url.pathname = "/postgres";
  const owner = new pg.Client({ connectionString: url.toString() });
  await owner.connect();
  await owner.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS false`);
  await owner.query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", [name]);
  return {
    open: async () => {
      await owner.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS true`);
      await owner.end();
    },
  };
}

test("while the database is away a page says what it knows, and goes on by itself", async ({ guest, complaints }) => {
  const [who] = await hire(["employee"]);
  const page = await visit(await guest(who), "/inbox");
  const same = await marked(page);
  const word = unique();
  const [before, after] = [`before ${word}`, `after ${word}`];
  await publishAll(who.key, [before]);
  await expect(titles(page, word)).toHaveText([before]);

  const database = await shut();
  try {
    await expect(connection(page)).toHaveText(/^stalled, data as of \d\d:\d\d:\d\d$/, { timeout: 20_000 });
    await expect(titles(page, word), "what is known stays").toHaveText([before]);
    const news = { kind: "NewTask", title: "never", audience: { users: [who.key] } };
    expect(await call("POST", "/notifications", news)).toMatchObject({ status: 503 });
  } finally {
    await database.open();
  }

  await expect(connection(page)).toHaveText("live", { timeout: 15_000 });
  await publishAll(who.key, [after]);
  await expect(titles(page, word)).toHaveText([after, before]);
  await same();
  forgive(complaints, REFUSED);
});
