import type { Emit } from "./events.js";

/** What every long call takes last: how to stop it, and who hears about it. */
export interface Op {
  /** Aborting rejects the call with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Called synchronously and never awaited; must not throw. */
  readonly emit?: Emit | undefined;
}

/** Throws the abort's own reason if the call was stopped. */
export function throwIfAborted(op: Op | undefined): void {
  op?.signal?.throwIfAborted();
}
