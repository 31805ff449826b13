import { rm } from "node:fs/promises";
import { type MessagePort, Worker } from "node:worker_threads";
import type { Op } from "../base/op.js";
import { fromPlainError } from "../base/plain-error.js";
import type { Relocatables } from "./relocatables.js";
import type { FromThread, ToThread } from "./thread-messages.js";
import type { LayerJob, LayerListeners, WrittenLayer } from "./write-layer.js";

/** What a thread is started with. */
export interface LayerThreadData {
  /** The thread's `BlockBudget`. */
  readonly spareBytes: number;
}

/** The side of a thread that its starter has; a Worker, or a port whose other end is served. */
export type Thread = Pick<MessagePort, "postMessage" | "ref" | "unref"> & {
  on(event: "message", listener: (message: FromThread) => void): unknown;
  on(event: "error" | "exit" | "close", listener: (reason: unknown) => void): unknown;
};

/** How long a thread with nothing to do is kept, ms. */
const IDLE_MS = 1000;
/** Room for what one block of a layer makes, so that little of it is alive when V8 collects. */
const YOUNG_GENERATION_MB = 12;

/** Starts a thread that makes layers. One that can't be started says so as `error`; where there may be no more threads, it throws. */
export function startLayerThread(data: LayerThreadData): Thread {
  return new Worker(new URL("./layer-thread.js", import.meta.url), {
    name: "spkoci layers",
    workerData: data,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
}

/**
 * Threads that make layers, started when there is something to do and ended when there has been nothing for a second. They don't keep
 * the process alive unless a layer is under way.
 */
export class LayerThreads {
  readonly #count: number;
  readonly #start: () => Thread;
  readonly #running = new Set<LayerThread>();
  /** No thread could be started, and none is tried again. */
  #impossible = false;

  constructor(count: number, start: () => Thread) {
    this.#count = count;
    this.#start = start;
  }

  /** Starts a thread if there is none, for layers that are wanted soon. */
  prepare(): void {
    if (this.#running.size === 0) this.#startOne();
  }

  /**
   * Makes a layer in the thread that has the fewest.
   * @returns undefined if no thread can be started
   * @throws what `writeLayer` throws there, and what `caller.buildInfo` throws here
   */
  async run(job: LayerJob, caller: LayerCaller, op: Op = {}): Promise<WrittenLayer | undefined> {
    const layer = await this.#choose()?.run(job, caller, op);
    if (layer === undefined) this.#impossible = true;
    return layer;
  }

  #choose(): LayerThread | undefined {
    const [leastBusy] = [...this.#running].sort((a, b) => a.busy - b.busy);
    if (leastBusy && (leastBusy.busy === 0 || this.#running.size >= this.#count)) return leastBusy;
    return this.#startOne() ?? leastBusy;
  }

  #startOne(): LayerThread | undefined {
    if (this.#impossible) return undefined;
    try {
      const thread = new LayerThread(this.#start(), () => this.#running.delete(thread));
      this.#running.add(thread);
      return thread;
    } catch {
      this.#impossible = true;
      return undefined;
    }
  }
}

/** What the thread that wants a layer answers and hears. */
export interface LayerCaller extends LayerListeners {
  readonly buildInfo: (found: Relocatables) => string;
}

interface Layer {
  readonly caller: LayerCaller;
  readonly resolve: (layer: WrittenLayer) => void;
  readonly reject: (error: unknown) => void;
}

class LayerThread {
  readonly #thread: Thread;
  readonly #started: Promise<boolean>;
  readonly #layers = new Map<number, Layer>();
  #users = 0;
  #ids = 0;
  #failure: Error | undefined;
  #idle: NodeJS.Timeout | undefined;
  #settleStart: (started: boolean) => void = () => {};
  readonly #leave: () => void;

  /** `leave` is called when the thread takes no more layers. */
  constructor(thread: Thread, leave: () => void) {
    this.#thread = thread;
    this.#leave = leave;
    this.#started = new Promise((resolve) => {
      this.#settleStart = resolve;
    });
    thread.on("message", (message) => this.#hear(message));
    thread.on("error", (reason) => this.#fail(reason));
    thread.on("exit", () => this.#fail("it ended"));
    this.#rest();
  }

  /** Layers that are made or wait for the thread to start. */
  get busy(): number {
    return this.#users;
  }

  async run(job: LayerJob, caller: LayerCaller, op: Op): Promise<WrittenLayer | undefined> {
    this.#enter();
    try {
      if (!(await this.#started)) return undefined;
      op.signal?.throwIfAborted();
      return await this.#make(job, caller, op);
    } finally {
      this.#exit();
    }
  }

  async #make(job: LayerJob, caller: LayerCaller, { signal }: Op): Promise<WrittenLayer> {
    this.#ids += 1;
    const id = this.#ids;
    const stop = (): void => this.#tell({ type: "stop", id });
    try {
      return await new Promise<WrittenLayer>((resolve, reject) => {
        if (this.#failure) throw this.#failure;
        this.#layers.set(id, { caller, resolve, reject });
        this.#tell({ type: "make", id, job });
        signal?.addEventListener("abort", stop, { once: true });
      });
    } catch (error) {
      // A thread that broke has left its files.
      if (this.#failure) await rm(job.file, { force: true });
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#layers.delete(id);
    }
  }

  #enter(): void {
    clearTimeout(this.#idle);
    this.#users += 1;
    this.#thread.ref();
  }

  #exit(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#rest();
  }

  /** Doesn't keep the process alive, and ends unless there is something to do soon. */
  #rest(): void {
    if (this.#failure) return;
    this.#thread.unref();
    this.#idle = setTimeout(() => {
      this.#leave();
      this.#tell({ type: "end" });
    }, IDLE_MS).unref();
  }

  #tell(message: ToThread): void {
    this.#thread.postMessage(message);
  }

  #hear(message: FromThread): void {
    if (message.type === "ready") {
      this.#settleStart(true);
      return;
    }
    const layer = this.#layers.get(message.id);
    if (!layer) return;
    if (message.type === "read") layer.caller.onProgress?.(message.bytes, message.total);
    else if (message.type === "written") layer.caller.onGrowth?.(message.size);
    else if (message.type === "found") this.#answer(message.id, message.found, layer);
    else if (message.type === "made") layer.resolve(message.layer);
    else layer.reject(fromPlainError(message.error));
  }

  /** The caller's failure is the layer's once the thread has stopped making it. */
  #answer(id: number, found: Relocatables, layer: Layer): void {
    try {
      this.#tell({ type: "build-info", id, text: layer.caller.buildInfo(found) });
    } catch (error) {
      this.#layers.set(id, { ...layer, reject: () => layer.reject(error) });
      this.#tell({ type: "stop", id });
    }
  }

  #fail(reason: unknown): void {
    this.#failure ??= new Error("a thread that makes layers broke", { cause: reason });
    clearTimeout(this.#idle);
    this.#leave();
    this.#settleStart(false);
    for (const { reject } of this.#layers.values()) reject(this.#failure);
  }
}
