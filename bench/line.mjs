import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { addressesOf } from "./registry.mjs";

const PROXY = fileURLToPath(new URL("shaped-proxy.mjs", import.meta.url));

/** The line that the network benchmark measures over. */
export const LINE = { roundTripMs: 20, megabits: 100 };

/** Lays the line to a registry, in a process of its own; resolves to the addresses at its near end. Ends with the session, or `close`. */
export async function layLine(session, { host }) {
  const child = spawn(process.execPath, [PROXY, host, String(LINE.roundTripMs), String(LINE.megabits)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const end = async () => {
    child.stdin.end();
    await exited;
  };
  const forget = session.track(end);
  const [near] = await once(createInterface({ input: child.stdout }), "line");
  const close = async () => {
    forget();
    await end();
  };
  return { host: near, ...addressesOf(near), close };
}
