// A phone: the unmodified npm SignalR client, as an existing app uses it.
import { HttpTransportType, HubConnectionBuilder, LogLevel, type HubConnection } from "@microsoft/signalr";
import type { IHttpConnectionOptions, IRetryPolicy } from "@microsoft/signalr";
import { token } from "./api";

/** What `DocumentApproved` carries; the data's own fields stand beside ours. */
export interface Item {
  notificationId: string;
  seq: number;
  kind: string;
  title: string;
  body: string;
  timestamp: string;
  replayed: boolean;
  [field: string]: unknown;
}

/** The ways to connect: each transport forced, then whatever the client chooses by itself. */
export const WAYS: { way: string; options: IHttpConnectionOptions }[] = [
  { way: "WebSockets", options: { transport: HttpTransportType.WebSockets } },
  { way: "ServerSentEvents", options: { transport: HttpTransportType.ServerSentEvents } },
  { way: "LongPolling", options: { transport: HttpTransportType.LongPolling } },
  { way: "automatic", options: {} },
  { way: "automatic where WebSockets are blocked", options: { WebSocket: blocked() } as IHttpConnectionOptions },
];

function blocked(): any {
  return class {
    constructor() {
      throw new Error("a proxy swallows every upgrade");
    }
  };
}

export class Phone {
  /** Every `DocumentApproved`, as it came, doubles too. */
  readonly heard: Item[] = [];
  readonly connection: HubConnection;
  /** How often it came back. */
  returns = 0;
  /** It noticed that it was cut off. */
  away = false;

  constructor(
    user: string,
    hub: string,
    options: IHttpConnectionOptions,
    device?: string,
    policy: IRetryPolicy | "the client's own" = { nextRetryDelayInMilliseconds: () => 50 },
  ) {
    const url = device ? `${hub}?device=${device}` : hub;
    const builder = new HubConnectionBuilder()
      .withUrl(url, { ...options, accessTokenFactory: () => token(user) })
      .configureLogging(LogLevel.None);
    const returning =
      policy === "the client's own" ? builder.withAutomaticReconnect() : builder.withAutomaticReconnect(policy);
    this.connection = returning.build();
    // Over Server-Sent Events the next POST is the only proof that something arrived.
    this.connection.keepAliveIntervalInMilliseconds = 200;
    this.connection.on("Greeting", () => {});
    this.connection.on("DocumentApproved", (item: Item) => this.heard.push(item));
    this.connection.onreconnecting(() => {
      this.away = true;
    });
    this.connection.onreconnected(() => {
      this.away = false;
      this.returns += 1;
    });
  }

  get ids(): string[] {
    return this.heard.map((item) => item.notificationId);
  }

  get seqs(): number[] {
    return this.heard.map((item) => item.seq);
  }

  /** Answers how many were acknowledged newly. */
  async ack(id: string): Promise<number> {
    return await this.connection.invoke("AcknowledgeNotification", id);
  }
}
