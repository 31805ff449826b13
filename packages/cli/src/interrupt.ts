import { SpkociError } from "@spkoci/core";

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Where signals come from: the process, as a rule. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

export interface InterruptHandlers {
  /** The first signal came; the task was told to stop. */
  onFirst(): void;
  /** Another one came: the program must end at once, with this exit code. */
  onSecond(exitCode: number): void;
}

/** Thrown into the task that a signal stops. */
class InterruptedError extends SpkociError {
  readonly #exitCode: number;

  constructor(signal: keyof typeof SIGNALS) {
    super("INTERRUPTED", `stopped by ${signal}`, {
      hint: "Nothing incomplete was left behind; the same command goes on where this one stopped.",
    });
    this.#exitCode = SIGNALS[signal];
  }

  override get exitCode(): number {
    return this.#exitCode;
  }
}

/** Runs a task that SIGINT and SIGTERM abort with an error whose exit code is the usual one for the signal; its clean-up is waited for. */
export async function interruptible<T>(
  task: (signal: AbortSignal) => Promise<T>,
  handlers: InterruptHandlers,
  source: SignalSource = process,
): Promise<T> {
  const stop = new AbortController();
  const listeners = (Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]).map((signal) => ({
    signal,
    listener: () => {
      if (stop.signal.aborted) {
        handlers.onSecond(SIGNALS[signal]);
        return;
      }
      stop.abort(new InterruptedError(signal));
      handlers.onFirst();
    },
  }));
  for (const { signal, listener } of listeners) source.on(signal, listener);
  try {
    return await task(stop.signal);
  } finally {
    for (const { signal, listener } of listeners) source.off(signal, listener);
  }
}
