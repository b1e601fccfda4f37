// A receiver of webhooks on this machine, as a customer would write one by docs/integrators/receipts.md: it keeps what
// it gets, checks signatures with a secret it was given, and answers what it is told to.
import { createHmac, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Got {
  id: string;
  body: any;
  isSignedWith: (secret: string) => boolean;
}

export interface Receiver {
  url: string;
  got: Got[];
  /** What it answers from now on. */
  status: number;
  close: () => Promise<void>;
}

/** Listens on a port of its own. */
export async function receive(): Promise<Receiver> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts).toString();
      const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signatures } = request.headers;
      const isSignedWith = (secret: string) => {
        const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
        const mac = createHmac("sha256", key).update(`${id}.${at}.${body}`).digest();
        return String(signatures)
          .split(" ")
          .map((one) => Buffer.from(one.replace(/^v1,/, ""), "base64"))
          .some((tag) => tag.length === mac.length && timingSafeEqual(tag, mac));
      };
      receiver.got.push({ id: String(id), body: JSON.parse(body), isSignedWith });
      response.statusCode = receiver.status;
      response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/receipts`,
    got: [],
    status: 204,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return receiver;
}
