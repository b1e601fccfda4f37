// `cargo xtask test` calls this: it has built the program and found Chromium. By hand, after one such
// call: cd end2end && CHROMIUM=$(which chromium) npx playwright test
// Against a server that runs already: BELLHOP_E2E_READY=FILE (see server.ts).
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "./tests",
  outputDir: "./test-results",
  // One server and one database for all: tests use users and services of their own, not turns.
  fullyParallel: false,
  workers: 1,
  // What fails once has failed: a second try would hide a race that a user meets too.
  retries: 0,
  forbidOnly: !!process.env.CI,
  // Every page in every theme and width takes minutes with a development build: `cargo xtask test --slow`.
  grepInvert: process.env.BELLHOP_SLOW ? undefined : /@slow/,
  timeout: 30_000,
  expect: { timeout: 5_000 },
  globalSetup: "./server.ts",
  reporter: [["list"], ["json", { outputFile: process.env.PLAYWRIGHT_JSON_OUTPUT_NAME ?? "test-results/report.json" }]],
  use: {
    browserName: "chromium",
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
