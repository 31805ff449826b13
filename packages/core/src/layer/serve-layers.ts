import type { MessagePort } from "node:worker_threads";
import { toPlainError } from "../base/plain-error.js";
import type { Relocatables } from "./relocatables.js";
import type { FromThread, ToThread } from "./thread-messages.js";
import { type LayerJob, type LayerMeans, type LayerPorts, writeLayer } from "./write-layer.js";

/** Bytes that are read, or written, between two messages about them. */
const TELL_EVERY = 1024 * 1024;

/** Makes the layers that the other end of a port asks for, as many at once as it asks for, until it says `end`. */
export function serveLayers(port: MessagePort, means: LayerMeans): void {
  const layers = new Map<number, ServedLayer>();
  const tell = (message: FromThread): void => port.postMessage(message);
  port.on("message", (message: ToThread) => {
    if (message.type === "end") port.close();
    else if (message.type === "stop") layers.get(message.id)?.stop();
    else if (message.type === "build-info") layers.get(message.id)?.takeBuildInfo(message.text);
    else {
      const { id, job } = message;
      const layer = new ServedLayer(id, tell);
      layers.set(id, layer);
      layer.make(job, means).finally(() => layers.delete(id));
    }
  });
  tell({ type: "ready" });
}

class ServedLayer {
  readonly #id: number;
  readonly #tell: (message: FromThread) => void;
  readonly #stop = new AbortController();
  #answer: (text: string) => void = () => {};
  /** Bytes that were told of. */
  #read = 0;
  #written = 0;

  constructor(id: number, tell: (message: FromThread) => void) {
    this.#id = id;
    this.#tell = tell;
  }

  async make(job: LayerJob, means: LayerMeans): Promise<void> {
    const id = this.#id;
    const ports: LayerPorts = {
      buildInfo: (found) => this.#askBuildInfo(found),
      onProgress: (bytes, total) => this.#tellRead(bytes, total),
      onGrowth: (size) => this.#tellWritten(size, TELL_EVERY),
    };
    try {
      const layer = await writeLayer(job, ports, means, { signal: this.#stop.signal });
      this.#tellWritten(layer.size, 0);
      this.#tell({ type: "made", id, layer });
    } catch (error) {
      this.#tell({ type: "failed", id, error: toPlainError(error) });
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  takeBuildInfo(text: string): void {
    this.#answer(text);
  }

  #askBuildInfo(found: Relocatables): Promise<string> {
    const { signal } = this.#stop;
    return new Promise((resolve, reject) => {
      if (signal.aborted) throw signal.reason;
      this.#answer = resolve;
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#tell({ type: "found", id: this.#id, found });
    });
  }

  #tellRead(bytes: number, total: number): void {
    if (bytes - this.#read < TELL_EVERY && bytes < total) return;
    this.#read = bytes;
    this.#tell({ type: "read", id: this.#id, bytes, total });
  }

  /** Unless fewer than `least` bytes came since the last time. */
  #tellWritten(size: number, least: number): void {
    if (size - this.#written < least) return;
    this.#written = size;
    this.#tell({ type: "written", id: this.#id, size });
  }
}
