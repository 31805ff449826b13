import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** A server that says what it is told to say, whether that is HTTP or not. */
export interface RawServer {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** Everything that it was sent, one text for each connection. */
  readonly received: string[];
  /** The answers of the next connections, each closed behind it. The last one is given again and again. */
  answers: readonly Buffer[];
  close(): Promise<void>;
}

const ANSWER_AFTER = Buffer.from("\r\n\r\n");

export async function startRawServer(): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const received: string[] = [];
  let count = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    const at = received.push("") - 1;
    let isAnswered = false;
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      received[at] += chunk.toString("latin1");
      if (isAnswered || !Buffer.from(received[at] ?? "", "latin1").includes(ANSWER_AFTER)) return;
      isAnswered = true;
      socket.end(self.answers[Math.min(count, self.answers.length - 1)] ?? Buffer.alloc(0));
      count += 1;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  let answers: readonly Buffer[] = [];
  const self: RawServer = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    get answers() {
      return answers;
    },
    set answers(next) {
      answers = next;
      count = 0;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return self;
}

/** The bytes of an answer. Header lines are written as they are. */
export function rawAnswer(status: number, headers: readonly (readonly [string, string])[], body: Buffer): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = `HTTP/1.1 ${status} Said\r\n${lines}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
