// Many unmodified SignalR clients in one process, for `cargo xtask faults`. Each connects and comes back as
// docs/clients/javascript.md recommends, acknowledges what it gets unless it is one that never does, and writes down
// what happens as lines of JSON on standard output. Ends with its standard input.
//
// node clients.mjs, and as the first line of standard input:
//   {"hub": "http://127.0.0.1:1/hubs/workflow", "clients": [{"user", "token", "device", "acks"}]}
import { createInterface } from "node:readline";
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

const input = createInterface({ input: process.stdin });
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

function open(hub, number, { token, device, acks }) {
  const connection = new HubConnectionBuilder()
    .withUrl(`${hub}?device=${device}&methods=notification`, { accessTokenFactory: () => token })
    .withAutomaticReconnect({
      nextRetryDelayInMilliseconds: ({ previousRetryCount }) =>
        Math.random() * Math.min(30_000, 500 * 2 ** Math.min(previousRetryCount, 10)),
    })
    .configureLogging(LogLevel.None)
    .build();

  connection.on("Notification", async (item) => {
    say({ heard: number, connection: connection.connectionId, item });
    if (!acks) return;
    try {
      await connection.invoke("AcknowledgeNotification", item.notificationId);
      say({ acked: number, id: item.notificationId });
    } catch {
      // An ack that is lost: the item comes again.
    }
  });
  connection.on("Greeting", () => {});
  connection.onreconnecting((error) => say({ down: number, why: String(error?.message ?? "") }));
  connection.onreconnected(() => say({ up: number }));
  connection.onclose((error) => {
    say({ down: number, why: String(error?.message ?? "closed") });
    setTimeout(start, 500 + Math.random() * 5_000); // closed without leave to come back
  });

  async function start() {
    try {
      await connection.start();
      say({ up: number });
    } catch {
      setTimeout(start, 500 + Math.random() * 5_000); // automatic reconnect does not cover the first start
    }
  }
  start();
}

let begun = false;
input.on("line", (line) => {
  if (begun) return;
  begun = true;
  const { hub, clients } = JSON.parse(line);
  clients.forEach((client, number) => open(hub, number, client));
});
input.on("close", () => process.exit(0));
