import type { Emit, ProgressEvent } from "./events.js";

const EVERY_MS = 100;

/** Counts what a step has done, and tells it: at most ten times a second, and at the end. */
export class StepProgress {
  readonly #emit: Emit | undefined;
  readonly #step: string;
  readonly #unit: ProgressEvent["unit"];
  readonly #total: number | undefined;
  #done = 0;
  #toldAt: number = Number.NEGATIVE_INFINITY;

  constructor(emit: Emit | undefined, step: string, unit: ProgressEvent["unit"], total?: number) {
    this.#emit = emit;
    this.#step = step;
    this.#unit = unit;
    this.#total = total;
  }

  add(count: number): void {
    this.#done += count;
    const now = performance.now();
    if (now - this.#toldAt < EVERY_MS) return;
    this.#toldAt = now;
    this.#tell();
  }

  /** Tells the last count. */
  end(): void {
    this.#tell();
  }

  #tell(): void {
    const total = this.#total === undefined ? {} : { total: this.#total };
    this.#emit?.({ type: "progress", step: this.#step, unit: this.#unit, done: this.#done, ...total });
  }
}
