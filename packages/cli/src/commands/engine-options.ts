import { setFlagsFromString } from "node:v8";

/** Six times what Node 20 has, bytes of bytecode. */
const UNTIL_OPTIMIZED = 400_000;

/**
 * Sets V8's options for a push or an install, in all threads (docs/adr/0013).
 * @param heapGrowth how far V8 lets its heap grow before it collects, percent of what is alive
 */
export function setEngineOptions({ heapGrowth }: { readonly heapGrowth: number }): void {
  setFlagsFromString(`--heap-growing-percent=${heapGrowth}`);
  // A thread collects its young objects by itself: they are few, and it would wait for others while all processors are taken.
  setFlagsFromString("--no-parallel-scavenge");
  if (process.versions.node.startsWith("20.")) optimizeLate();
}

/**
 * Lets V8 run a function longer before its optimizing compiler takes it. A push with nothing to do is over before that pays; one with
 * much to do waits for deflate; an install takes a little less memory, at the same time. Newer Nodes don't have the flag,
 * and compile less by themselves.
 */
function optimizeLate(): void {
  setFlagsFromString(`--interrupt-budget=${UNTIL_OPTIMIZED}`);
}
