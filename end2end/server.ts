// Starts the real server on a fresh data folder before the first test, and stops it after the last.
// What it says about itself (addresses, credentials) reaches the tests through `ready()`.
//
// With BELLHOP_E2E_READY=FILE the tests use the server that wrote this ready file, and leave it running:
// `cargo xtask run --ready FILE` in one shell, the tests in another, again and again. It needs its demo
// data, and keeps what the tests leave in it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START = 90_000;

/** The ready file: see `server/src/run/ready.rs`. */
export interface Ready {
  url: string;
  hub: string;
  pid: number;
  database_url: string | null;
  tenant: string | null;
  service: string | null;
  api_key: string | null;
  jwt: { alg: string; secret: string | null; iss: string; aud: string } | null;
  /** Where the demo's phones show what they got. */
  phones: string | null;
  logins: { name: string; password: string | null; user: string; tenant: string; roles: string[] }[];
}

/** What the running server says about itself. */
export function ready(): Ready {
  const file = process.env.BELLHOP_READY;
  if (!file) throw new Error("no server was started: these tests are run by Playwright");
  return JSON.parse(readFileSync(file, "utf8")) as Ready;
}

/** Playwright's global set-up; what it returns is the tear-down. */
export default async function start(): Promise<() => Promise<void>> {
  const running = process.env.BELLHOP_E2E_READY;
  if (running) {
    process.env.BELLHOP_READY = running;
    return async () => {};
  }
  const folder = mkdtempSync(join(tmpdir(), "bellhop-end2end-"));
  const file = join(folder, "ready.json");
  const log = join(folder, "server.log");
  const program = process.env.BELLHOP ?? join(import.meta.dirname, "../target/debug/bellhop");
  const child = spawn(
    program,
    // Receivers of webhooks are on this machine.
    ["serve", "--port", "0", "--data", join(folder, "data"), "--ready", file, "--webhooks-allow-private"],
    {
      stdio: ["ignore", openSync(log, "a"), openSync(log, "a")],
      env: { BELLHOP_SITE_ROOT: join(import.meta.dirname, "../target/site"), ...process.env },
    },
  );
  const ended = once(child, "exit");
  const begun = Date.now();
  while (!existsSync(file)) {
    if (child.exitCode !== null || Date.now() - begun > START) {
      child.kill();
      throw new Error(`the server did not start:\n${readFileSync(log, "utf8")}`);
    }
    await sleep(50);
  }
  process.env.BELLHOP_READY = file;
  return async () => {
    child.kill("SIGTERM");
    const [code] = await ended;
    const said = readFileSync(log, "utf8");
    // Root's clusters lie elsewhere; this names where.
    const pointer = join(folder, "data/postgres.location");
    if (existsSync(pointer)) rmSync(readFileSync(pointer, "utf8"), { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the server ended with ${code}:\n${said}`);
  };
}
