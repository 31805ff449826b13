import { setTimeout as sleep } from "node:timers/promises";
import type { Op } from "./op.js";
import type { RetryBudget } from "./retry-budget.js";

export interface RetryPolicy {
  /** Tries in all, the first one included. */
  readonly attempts: number;
  /** The first pause at most, ms; it doubles each time. */
  readonly baseMs: number;
  /** A pause at most, ms, unless the other side asked for a longer one. */
  readonly maxMs: number;
}

/** A budget that tasks share, and the error to throw in place of the last one when it is spent. */
export interface SharedBudget {
  readonly budget: RetryBudget;
  readonly spent: (error: unknown) => unknown;
}

const DEFAULT_RETRY: RetryPolicy = { attempts: 5, baseMs: 250, maxMs: 20_000 };

/** What `classify` says of an error: never repeat it, or repeat it, perhaps after a time the other side named. */
export type Retryable =
  | { readonly retry: false }
  | { readonly retry: true; readonly afterMs?: number; readonly reason: string };

/**
 * Runs `task` until it succeeds, `classify` says that repeating can't help, or the tries are used up; the last error is thrown.
 * Pauses are random between half of and the whole exponential step ("jitter"), or what the other side asked for.
 * With `shared` each retry is taken from its budget, and the success earns for it.
 */
export async function withRetry<T>(
  what: string,
  task: (attempt: number) => Promise<T>,
  classify: (error: unknown) => Retryable,
  policy: RetryPolicy = DEFAULT_RETRY,
  op?: Op,
  shared?: SharedBudget,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    op?.signal?.throwIfAborted();
    try {
      const result = await task(attempt);
      shared?.budget.earn();
      return result;
    } catch (error) {
      op?.signal?.throwIfAborted();
      const verdict = classify(error);
      if (!verdict.retry || attempt >= policy.attempts) throw error;
      if (shared && !shared.budget.take()) throw shared.spent(error);
      const delayMs = verdict.afterMs ?? jittered(policy, attempt);
      const retries = shared && { used: shared.budget.used, allowed: shared.budget.allowed };
      op?.emit?.({ type: "retry", what, attempt, delayMs, reason: verdict.reason, ...(retries && { retries }) });
      await pause(delayMs, op);
    }
  }
}

function jittered(policy: RetryPolicy, attempt: number): number {
  const step = Math.min(policy.maxMs, policy.baseMs * 2 ** (attempt - 1));
  return Math.round(step / 2 + (Math.random() * step) / 2);
}

/** Waits so many ms; an abort of `op` ends it with the signal's reason. */
export async function pause(delayMs: number, op: Op | undefined): Promise<void> {
  if (delayMs === 0) return;
  try {
    await sleep(delayMs, undefined, op?.signal ? { signal: op.signal } : {});
  } catch (error) {
    op?.signal?.throwIfAborted();
    throw error;
  }
}
