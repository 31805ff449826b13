import { createHash } from "node:crypto";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
// biome-ignore lint/style/noRestrictedImports: the one place that asks which processes run.
import { getuid, kill, pid } from "node:process";
import { systemCodeOf } from "./errors.js";

/** Names a process, in a file or folder that belongs to it. */
export interface ProcessOwner {
  /** 12 hex digits for the host and, in a container, its own space of process ids. */
  readonly host: string;
  readonly pid: number;
}

/** This process. */
export function ownProcess(): ProcessOwner {
  return { host: hostId(), pid };
}

/** Whether a process is known to have ended: false for those of other hosts and for those that run. */
export function hasEnded(owner: ProcessOwner): boolean {
  if (owner.host !== hostId()) return false;
  try {
    kill(owner.pid, 0);
    return false;
  } catch (error) {
    return systemCodeOf(error) === "ESRCH";
  }
}

/** Whether a file is of the user that this process runs as; true where there are no user ids. */
export function isOwnFile(stats: { readonly uid: number }): boolean {
  return getuid === undefined || stats.uid === getuid();
}

let knownHostId: string | undefined;

function hostId(): string {
  knownHostId ??= createHash("sha256").update(`${hostname()}\n${pidNamespace()}`).digest("hex").slice(0, 12);
  return knownHostId;
}

/** Linux's name of the process id space; empty elsewhere. */
function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
