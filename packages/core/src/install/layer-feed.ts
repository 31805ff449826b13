import type { Readable } from "node:stream";
import { toPlainError } from "../base/plain-error.js";
import type { ToStage } from "./stage-messages.js";

/** Bytes that go to a thread in one message. */
const MESSAGE_SIZE = 256 * 1024;
/** Bytes of one layer that a thread has got and not used. */
const SENT_AHEAD = 1024 * 1024;

/** Sends a layer to a thread, at the pace at which it is used there. */
export class LayerFeed {
  readonly #id: number;
  readonly #layer: Readable;
  readonly #send: (message: ToStage, transfer?: readonly ArrayBuffer[]) => void;
  #ahead = 0;
  #wake: () => void = () => {};
  /** Why the layer can't be read. */
  failure: unknown;

  constructor(id: number, layer: Readable, send: (message: ToStage, transfer?: readonly ArrayBuffer[]) => void) {
    this.#id = id;
    this.#layer = layer;
    this.#send = send;
    layer.once("close", () => this.#wake());
  }

  used(size: number): void {
    this.#ahead -= size;
    this.#wake();
  }

  async run(): Promise<void> {
    const id = this.#id;
    try {
      let parts: Buffer[] = [];
      let size = 0;
      for await (const chunk of this.#layer as AsyncIterable<Buffer>) {
        parts.push(chunk);
        size += chunk.length;
        if (size < MESSAGE_SIZE) continue;
        await this.#sendBytes(parts, size);
        parts = [];
        size = 0;
      }
      if (size > 0) await this.#sendBytes(parts, size);
      this.#send({ type: "layer-end", id });
    } catch (error) {
      this.failure = error;
      this.#send({ type: "layer-end", id, error: toPlainError(error) });
    }
  }

  async #sendBytes(parts: readonly Buffer[], size: number): Promise<void> {
    while (this.#ahead >= SENT_AHEAD && !this.#layer.destroyed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const bytes = this.#toGiveAway(parts, size);
    this.#ahead += size;
    this.#send({ type: "bytes", id: this.#id, bytes }, [bytes.buffer as ArrayBuffer]);
  }

  /** The parts in memory of their own. */
  #toGiveAway(parts: readonly Buffer[], size: number): Buffer {
    // Not cleared before it is filled.
    const bytes = Buffer.allocUnsafeSlow(size);
    let at = 0;
    for (const part of parts) at += part.copy(bytes, at);
    return bytes;
  }
}
