// Applies migrations/*.sql in order to the database of DATABASE_URL. For `cargo xtask prepare` only:
// the product applies them itself, with a record of what was applied.
const fs = require("node:fs");
const path = require("node:path");
const { Client } = require("pg");

async function main() {
  const folder = path.join(__dirname, "..", "migrations");
  const number = (name) => Number(name.split("_")[0]);
  const files = fs
    .readdirSync(folder)
    .filter((name) => /^\d+_.+\.sql$/.test(name) && !name.endsWith(".down.sql"))
    .sort((a, b) => number(a) - number(b));
  const client = new Client({ connectionString: process.env.DATABASE_URL });
  await client.connect();
  for (const file of files) {
    try {
      await client.query(fs.readFileSync(path.join(folder, file), "utf8"));
    } catch (error) {
      throw new Error(`migrations/${file}: ${error.message}${error.hint ? `\n  hint: ${error.hint}` : ""}`);
    }
  }
  await client.end();
  console.error(`    ${files.length} migrations applied`);
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
