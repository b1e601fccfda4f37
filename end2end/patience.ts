// What the documentation tells a client to do when the server is away, and a way to wait it out.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { IRetryPolicy } from "@microsoft/signalr";

/** The policy of docs/clients/javascript.md, as it stands there: whoever changes the page changes the test. */
export function documented(): IRetryPolicy {
  const page = readFileSync(join(import.meta.dirname, "../docs/clients/javascript.md"), "utf8");
  const found = /\.withAutomaticReconnect\((\{.*?\n  \})\)/s.exec(page);
  if (!found) throw new Error("docs/clients/javascript.md shows no policy any more");
  return new Function(`return (${found[1]});`)() as IRetryPolicy;
}

/**
 * Pauses between two attempts to come back, and no other timer, pass 200 times as fast while this is
 * there: two minutes are half a second.
 */
export class Patience {
  /** The pauses so far, in milliseconds as the clients meant them. */
  readonly pauses: number[] = [];
  private readonly real = globalThis.setTimeout;

  constructor() {
    const { real, pauses } = this;
    const quick = (then: (...all: any[]) => void, pause?: number, ...rest: any[]) => {
      // The pause is waited for in the client's own loop; nothing else may be hurried.
      const between = /at new Promise[^\n]*\n\s*at HubConnection\._reconnect /.test(new Error().stack ?? "");
      if (between) pauses.push(pause ?? 0);
      return real(then, between ? (pause ?? 0) / 200 : pause, ...rest);
    };
    globalThis.setTimeout = quick as typeof setTimeout;
  }

  end(): void {
    globalThis.setTimeout = this.real;
  }
}
