import { setFlagsFromString } from "node:v8";

/** Six times what Node 20 has, bytes of bytecode. */
const UNTIL_OPTIMIZED = 400_000;

/**
 * Lets V8 run a function longer before its optimizing compiler takes it. A push with nothing to do is over before that pays; one with
 * much to do waits for deflate; an install takes a little less memory, at the same time. Newer Nodes don't have the flag,
 * and compile less by themselves.
 */
export function optimizeLate(): void {
  if (process.versions.node.startsWith("20.")) setFlagsFromString(`--interrupt-budget=${UNTIL_OPTIMIZED}`);
}
