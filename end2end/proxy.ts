// A wire that can be cut: a small TCP proxy between a client and the server.
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { ready } from "./server";

export class Wire {
  private sockets = new Set<Socket>();
  private refusing = false;

  private constructor(private server: Server) {}

  static async lay(): Promise<Wire> {
    const server = createServer();
    const wire = new Wire(server);
    server.on("connection", (socket) => wire.carry(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return wire;
  }

  /** The site's address through this wire. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The hub's address through this wire. */
  get hub(): string {
    return this.url + new URL(ready().hub).pathname;
  }

  /** Destroys every connection, and each new one, until `mend`. */
  cut(): void {
    this.refusing = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.refusing = false;
  }

  async remove(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, "close");
  }

  private carry(near: Socket): void {
    near.on("error", () => {});
    if (this.refusing) {
      near.destroy();
      return;
    }
    const { hostname, port } = new URL(ready().url);
    const far = connect(Number(port), hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ]) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  }
}
