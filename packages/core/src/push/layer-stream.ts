import { pipeline } from "node:stream";
import { GrowingFile } from "../base/growing-file.js";
import type { Op } from "../base/op.js";
import { counting } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { GrowingBlob, Store } from "../oci/store.js";

/** Compressed bytes from which a layer is sent before it is whole: smaller ones are made while others are sent. */
const LEAST_SIZE = 4 * 1024 * 1024;

/**
 * Sends a layer while its file is written, so that it takes as long as the slower of making and sending it. It reads the file behind its
 * writer, who never waits for it. What fails here fails nothing: the layer is then sent when it is whole.
 */
export class LayerStream {
  readonly #target: Store;
  readonly #file: GrowingFile;
  readonly #progress: (bytes: number, total: number) => void;
  readonly #op: Op;
  readonly #blob: GrowingBlob;
  #finish: (descriptor: Descriptor) => void = () => {};
  #break: (reason: unknown) => void = () => {};
  #read = 0;
  #size: number | undefined;
  #arrived: Promise<boolean> | undefined;

  /** `file` is where the layer is going to be written; `progress` is told from when the layer's size is known. */
  constructor(target: Store, file: string, progress: (bytes: number, total: number) => void, op: Op) {
    this.#target = target;
    this.#file = new GrowingFile(file);
    this.#progress = progress;
    this.#op = op;
    const finished = new Promise<Descriptor>((resolve, reject) => {
      this.#finish = resolve;
      this.#break = reject;
    });
    finished.catch(() => {});
    this.#blob = { finished, open: async () => this.#open() };
  }

  /** Whether bytes of the layer have left this machine, or may have. */
  get hasSent(): boolean {
    return this.#read > 0;
  }

  /** So many bytes are in the file. */
  grew(size: number): void {
    this.#file.grew();
    if (size >= LEAST_SIZE) this.#arrived ??= this.#send();
  }

  /** The layer is whole. Waits until it has arrived; false if it hasn't, and is to be put. Never rejects. */
  async finish(descriptor: Descriptor): Promise<boolean> {
    this.#size = descriptor.size;
    if (this.#read > 0) this.#progress(this.#read, descriptor.size);
    this.#finish(descriptor);
    this.#file.end();
    return (await this.#arrived) ?? false;
  }

  /** There will be no layer. Waits until the target has forgotten what came of it. */
  async fail(reason: unknown): Promise<void> {
    this.#break(reason);
    this.#file.fail(reason);
    await this.#arrived;
  }

  async #send(): Promise<boolean> {
    try {
      return (await this.#target.putGrowing?.(this.#blob, this.#op)) ?? false;
    } catch {
      return false;
    }
  }

  #open(): ReturnType<GrowingFile["open"]> {
    this.#read = 0;
    const counter = counting((more) => {
      this.#read += more;
      if (this.#size !== undefined) this.#progress(this.#read, this.#size);
    });
    // Errors reach the reader through `counter`, which pipeline destroys with them.
    return pipeline(this.#file.open(), counter, () => {});
  }
}
