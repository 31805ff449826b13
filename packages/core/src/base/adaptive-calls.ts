import { performance } from "node:perf_hooks";
import { directCalls, type FileCalls, pooledCalls } from "./file-calls.js";

/** Calls that are looked at together. */
const PROBE_CALLS = 64;
/** A call that takes longer waited for something, ms. */
const SLOW_MS = 0.2;
/** So many of them are no accident, such as another process that got the processor. */
const MANY_SLOW = 16;
/** Calls after which the file system is tried again. */
const POOLED_CALLS = 4096;

/**
 * Direct calls while the file system answers at once, as one whose files are in memory does; pooled ones while it lets wait, as one
 * over a network does. For a thread that has nothing else to do.
 */
export function adaptiveCalls(): FileCalls {
  let calls = 0;
  let slow = 0;
  let pooledLeft = 0;
  const choose =
    <A extends readonly unknown[], T>(direct: (...args: A) => T, pooled: (...args: A) => T) =>
    (...args: A): T => {
      if (pooledLeft > 0) {
        pooledLeft -= 1;
        return pooled(...args);
      }
      const start = performance.now();
      try {
        return direct(...args);
      } finally {
        calls += 1;
        if (performance.now() - start > SLOW_MS) slow += 1;
        if (calls === PROBE_CALLS) {
          if (slow >= MANY_SLOW) pooledLeft = POOLED_CALLS;
          calls = 0;
          slow = 0;
        }
      }
    };
  return {
    open: choose(directCalls.open, pooledCalls.open),
    read: choose(directCalls.read, pooledCalls.read),
    write: choose(directCalls.write, pooledCalls.write),
    fstat: choose(directCalls.fstat, pooledCalls.fstat),
    close: choose(directCalls.close, pooledCalls.close),
    lstat: choose(directCalls.lstat, pooledCalls.lstat),
    readlink: choose(directCalls.readlink, pooledCalls.readlink),
    readdir: choose(directCalls.readdir, pooledCalls.readdir),
    isFolder: choose(directCalls.isFolder, pooledCalls.isFolder),
  };
}
