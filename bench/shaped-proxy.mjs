// node bench/shaped-proxy.mjs HOST:PORT ROUND_TRIP_MS MBIT_PER_SECOND
// A line to a server of this machine: both ways have a rate that all connections share, and bytes arrive half a round trip after they
// were sent; a connection is there after one round trip. Prints its host when it is ready; ends with its input.
import { createConnection, createServer } from "node:net";

const [target, roundTrip, megabits] = process.argv.slice(2);
const [host, port] = target.split(":");
const delayMs = Number(roundTrip) / 2;
const bytesPerMs = (Number(megabits) * 1e6) / 8 / 1000;
/** Bytes on the way after which a sender waits, as with a full buffer of a router: 50 ms of the line. */
const BUFFER = 50 * bytesPerMs;

/** One direction of the line. */
class Way {
  #freeAt = 0;

  /** When the last of so many bytes that are sent now arrives, in ms of `performance.now()`. */
  send(bytes) {
    this.#freeAt = Math.max(this.#freeAt, performance.now()) + bytes / bytesPerMs;
    return this.#freeAt + delayMs;
  }
}

const there = new Way();
const back = new Way();

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const connection = createConnection({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
  const destroy = () => {
    client.destroy();
    connection.destroy();
  };
  client.on("error", destroy);
  connection.on("error", destroy);
  // Connecting takes a round trip, and what follows half of one.
  const readyAt = performance.now() + 2 * delayMs;
  carry(client, connection, there, readyAt);
  carry(connection, client, back, readyAt);
});

/** Sends what arrives at `from` to `to` when the line brings it. */
function carry(from, to, way, readyAt) {
  const queue = [];
  let onTheWay = 0;
  let timer;
  const deliver = () => {
    timer = undefined;
    while (queue.length > 0 && queue[0].at <= performance.now() + 0.5) {
      const { chunk } = queue.shift();
      if (chunk === undefined) to.end();
      else {
        onTheWay -= chunk.length;
        to.write(chunk);
      }
    }
    if (onTheWay < BUFFER && !from.destroyed) from.resume();
    wait();
  };
  const wait = () => {
    if (timer === undefined && queue.length > 0)
      timer = setTimeout(deliver, Math.max(0, queue[0].at - performance.now()));
  };
  const add = (chunk) => {
    queue.push({ chunk, at: Math.max(way.send(chunk?.length ?? 0), readyAt + delayMs) });
    wait();
  };
  from.on("data", (chunk) => {
    onTheWay += chunk.length;
    if (onTheWay >= BUFFER) from.pause();
    add(chunk);
  });
  from.on("end", () => add(undefined));
}

server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
process.stdin.resume().on("end", () => process.exit(0));
