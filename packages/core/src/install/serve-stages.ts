import { Readable } from "node:stream";
import type { MessagePort } from "node:worker_threads";
import { fromPlainError, toPlainError } from "../base/plain-error.js";
import type { FromStage, ToStage } from "./stage-messages.js";
import { type FinishJob, type StagedPackage, stagePackage, type UnpackJob } from "./stage-package.js";

/** Stages the packages that the other end of a port asks for, as many at once as it asks for, until it says `end`. */
export function serveStages(port: MessagePort): void {
  const packages = new Map<number, ServedPackage>();
  const tell = (message: FromStage): void => port.postMessage(message);
  port.on("message", (message: ToStage) => {
    if (message.type === "end") port.close();
    else if (message.type === "unpack") {
      const served = new ServedPackage(message.id, message.room, tell);
      packages.set(message.id, served);
      void served.unpack(message.job);
    } else if (message.type === "stop") {
      packages.get(message.id)?.stop();
      packages.delete(message.id);
    } else packages.get(message.id)?.hear(message);
  });
  tell({ type: "ready" });
}

class ServedPackage {
  readonly #id: number;
  readonly #tell: (message: FromStage) => void;
  readonly #stop = new AbortController();
  readonly #room: SharedArrayBuffer;
  /** Slots that came and were not given back. */
  #slots = 0;
  readonly #layer: Readable;
  #staged: StagedPackage | undefined;

  constructor(id: number, room: SharedArrayBuffer, tell: (message: FromStage) => void) {
    this.#id = id;
    this.#room = room;
    this.#tell = tell;
    this.#layer = new Readable({ objectMode: true, highWaterMark: 1, read: () => this.#tellUsed() });
  }

  hear(message: ToStage): void {
    if (message.type === "bytes") {
      this.#slots += 1;
      this.#layer.push(Buffer.from(this.#room, message.at, message.length));
    } else if (message.type === "finish") void this.#finish(message.job);
    else if (message.type === "layer-end") {
      if (message.error) this.#layer.destroy(fromPlainError(message.error));
      else this.#layer.push(null);
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  async unpack(job: UnpackJob): Promise<void> {
    await this.#answer(async (signal) => {
      this.#staged = await stagePackage(job, this.#layer, { signal });
      return { type: "unpacked", id: this.#id, buildInfo: this.#staged.buildInfo };
    });
  }

  async #finish(job: FinishJob): Promise<void> {
    await this.#answer(async (signal) => {
      if (this.#staged === undefined) throw new Error("the package is not unpacked");
      return { type: "finished", id: this.#id, result: await this.#staged.finish(job, { signal }) };
    });
  }

  async #answer(task: (signal: AbortSignal) => Promise<FromStage>): Promise<void> {
    try {
      this.#tell(await task(this.#stop.signal));
    } catch (error) {
      this.#tell({ type: "failed", id: this.#id, error: toPlainError(error) });
    }
  }

  /** The unpacker takes a slot's bytes when it is done with those before: all that it took are used but for the last. */
  #tellUsed(): void {
    const used = this.#slots - this.#layer.readableLength - 1;
    if (used <= 0) return;
    this.#slots -= used;
    this.#tell({ type: "used", id: this.#id, slots: used });
  }
}
