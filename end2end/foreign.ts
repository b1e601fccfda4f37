// A program that knows nothing of Bellhop but its database: a role of its own, with a grant.
import pg from "pg";
import { unique } from "./api";
import { ready } from "./server";

export interface Foreign {
  /** Runs one statement as the foreign role. */
  sql: (text: string, values?: unknown[]) => Promise<any[]>;
  /** Takes role and grant away again. */
  leave: () => Promise<void>;
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** Makes a role that may call the functions and speaks for the demo's service, or for none, and connects as it. */
export async function foreign({ granted = true } = {}): Promise<Foreign> {
  const url = ready().database_url;
  if (!url) throw new Error("the ready file names no database: these tests need the embedded one");
  const owner = await connect(url);
  const role = `foreign_${unique()}`;
  const password = unique() + unique();
  await owner.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
  await owner.query(`GRANT USAGE ON SCHEMA bellhop TO ${role}`);
  await owner.query(`GRANT EXECUTE ON FUNCTION bellhop.publish, bellhop.punch TO ${role}`);
  if (granted) {
    await owner.query(
      `INSERT INTO bellhop.role_grant (role_name, tenant_id, service_id)
       SELECT $1, t.id, s.id FROM bellhop.tenant t JOIN bellhop.service s ON s.tenant_id = t.id
        WHERE t.key = $2 AND s.key = $3`,
      [role, ready().tenant, ready().service],
    );
  }
  const own = new URL(url);
  own.username = role;
  own.password = password;
  const client = await connect(own.toString());
  return {
    sql: async (text, values) => (await client.query(text, values)).rows,
    leave: async () => {
      await client.end();
      await owner.query("DELETE FROM bellhop.role_grant WHERE role_name = $1", [role]);
      await owner.query(`DROP OWNED BY ${role}`);
      await owner.query(`DROP ROLE ${role}`);
      await owner.end();
    },
  };
}
