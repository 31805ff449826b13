import type { Readable } from "node:stream";
import { type MessagePort, Worker } from "node:worker_threads";
import type { Op } from "../base/op.js";
import { fromPlainError } from "../base/plain-error.js";
import { LayerFeed } from "./layer-feed.js";
import type { FromStage, ToStage } from "./stage-messages.js";
import { type StagedPackage, stagePackage, type UnpackJob } from "./stage-package.js";

/** The side of a thread that its starter has: a Worker, or a port whose other end is served. */
export type Thread = Pick<MessagePort, "postMessage"> & {
  on(event: "message", listener: (message: FromStage) => void): unknown;
  on(event: "error" | "exit" | "close", listener: (reason: unknown) => void): unknown;
};

/** Objects of a package live as long as it or hardly at all: a large young generation would only take memory. */
const YOUNG_GENERATION_MB = 3;

/** What a thread is told as it starts. */
export interface StageThreadData {
  /** Another thread has what takes longest: this one leaves it the processor where there are more threads than processors. */
  readonly givesWay: boolean;
}

/** Starts a thread that stages packages. One that can't be started says so as `error`. */
function startStageThread(workerData: StageThreadData): Thread {
  return new Worker(new URL("./stage-thread.js", import.meta.url), {
    name: "spkoci packages",
    workerData,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
}

/**
 * Threads that unpack and relocate packages: writing many small files takes all of one thread's time. Where none can be started, packages
 * are staged in the caller's thread.
 */
export class StageThreads {
  readonly #threads: StageThread[] = [];
  readonly #start: (data: StageThreadData) => Thread;

  constructor(start: (data: StageThreadData) => Thread = startStageThread) {
    this.#start = start;
  }

  /** Starts threads until there are so many. There is time for it until the first layer comes. The first package to come has the first one. */
  start(count: number): void {
    for (let at = this.#threads.length; at < count; at += 1) {
      this.#threads.push(new StageThread(this.#start({ givesWay: at > 0 })));
    }
  }

  /**
   * As `stagePackage`, in the thread that has the fewest bytes to work on: so a package that takes long has a thread for itself.
   * @param opening the layer, for which a thread is taken before it is open
   * @param size bytes of the layer as it is stored
   */
  async stage(job: UnpackJob, opening: Promise<Readable>, size: number, op: Op): Promise<StagedPackage> {
    const layer = opening.then((open) => {
      // It may fail before it is read.
      open.on("error", () => {});
      return open;
    });
    const [leastBusy] = this.#threads.toSorted((a, b) => a.busy - b.busy);
    return leastBusy ? leastBusy.stage(job, layer, size, op) : stagePackage(job, await layer, op);
  }

  /** Ends the threads, when nothing is under way. */
  end(): void {
    for (const thread of this.#threads) thread.end();
  }
}

/** Who waits for the thread's answers about one package. */
interface Waiting {
  readonly answer: (message: FromStage) => void;
  readonly failed: (error: unknown) => void;
  used(slots: number): void;
}

class StageThread {
  readonly #thread: Thread;
  /** False if it can't be started. */
  readonly #started: Promise<boolean>;
  readonly #waiting = new Map<number, Waiting>();
  #ids = 0;
  #failure: Error | undefined;
  #settleStart: (started: boolean) => void = () => {};
  /** Bytes of the layers of packages that are being unpacked or finished. */
  busy = 0;

  constructor(thread: Thread) {
    this.#thread = thread;
    this.#started = new Promise((resolve) => {
      this.#settleStart = resolve;
    });
    thread.on("message", (message) => this.#hear(message));
    thread.on("error", (reason) => this.#fail(reason));
    thread.on("exit", () => this.#fail("it ended"));
  }

  end(): void {
    this.#tell({ type: "end" });
  }

  /** In the caller's thread if this one can't be started. */
  stage(job: UnpackJob, opening: Promise<Readable>, size: number, op: Op): Promise<StagedPackage> {
    return this.#busyWith(size, async () => {
      const layer = await opening;
      return (await this.#started) ? this.#stageInThread(job, layer, size, op) : stagePackage(job, layer, op);
    });
  }

  async #stageInThread(job: UnpackJob, layer: Readable, size: number, op: Op): Promise<StagedPackage> {
    this.#ids += 1;
    const id = this.#ids;
    const feed = new LayerFeed(id, layer, size, (message) => this.#tell(message));
    const begin = (): void => {
      this.#tell({ type: "unpack", id, job, room: feed.room });
      void feed.run();
    };
    try {
      const unpacked = await this.#ask(id, begin, (slots) => feed.used(slots), op);
      if (unpacked.type !== "unpacked") throw new Error("the package was not unpacked");
      return {
        buildInfo: unpacked.buildInfo,
        finish: (finish, finishOp) => this.#busyWith(size, () => this.#finish(id, finish, finishOp)),
      };
    } catch (error) {
      this.#tell({ type: "stop", id });
      op.signal?.throwIfAborted();
      throw feed.failure ?? error;
    } finally {
      feed.stop();
      layer.destroy();
    }
  }

  async #finish(id: number, job: Parameters<StagedPackage["finish"]>[0], op: Op): ReturnType<StagedPackage["finish"]> {
    try {
      const finished = await this.#ask(
        id,
        () => this.#tell({ type: "finish", id, job }),
        () => {},
        op,
      );
      if (finished.type !== "finished") throw new Error("the package was not finished");
      return finished.result;
    } finally {
      this.#tell({ type: "stop", id });
      op.signal?.throwIfAborted();
    }
  }

  /** Waits for the answer to what `begin` asks; at an abort the thread is told to stop, and answers that it has. */
  async #ask(id: number, begin: () => void, used: (slots: number) => void, { signal }: Op): Promise<FromStage> {
    signal?.throwIfAborted();
    const stop = (): void => this.#tell({ type: "stop", id });
    signal?.addEventListener("abort", stop, { once: true });
    try {
      return await new Promise<FromStage>((answer, failed) => {
        if (this.#failure) throw this.#failure;
        this.#waiting.set(id, { answer, failed, used });
        begin();
      });
    } finally {
      signal?.removeEventListener("abort", stop);
      this.#waiting.delete(id);
    }
  }

  async #busyWith<T>(size: number, task: () => Promise<T>): Promise<T> {
    this.busy += size;
    try {
      return await task();
    } finally {
      this.busy -= size;
    }
  }

  #tell(message: ToStage): void {
    this.#thread.postMessage(message);
  }

  #hear(message: FromStage): void {
    const waiting = message.type === "ready" ? undefined : this.#waiting.get(message.id);
    if (message.type === "ready") this.#settleStart(true);
    else if (message.type === "used") waiting?.used(message.slots);
    else if (message.type === "failed") waiting?.failed(fromPlainError(message.error));
    else waiting?.answer(message);
  }

  #fail(reason: unknown): void {
    this.#failure ??= new Error("a thread that unpacks packages broke", { cause: reason });
    this.#settleStart(false);
    for (const { failed } of this.#waiting.values()) failed(this.#failure);
  }
}
