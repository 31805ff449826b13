import type { Readable } from "node:stream";
import { toPlainError } from "../base/plain-error.js";
import type { ToStage } from "./stage-messages.js";

/** Slots of the room that a layer comes through. */
const SLOTS = 4;
/** Bytes of a slot: as many as a layer has, between these. */
const SLOT_SIZE = { least: 4 * 1024, most: 256 * 1024 };

/**
 * Sends a layer to a thread, at the pace at which it is used there. It comes through a room of a few slots in memory that both share,
 * which are filled in turn: memory that was given away with each piece would be garbage for two collectors.
 */
export class LayerFeed {
  /** To be told with `unpack`. */
  readonly room: SharedArrayBuffer;
  readonly #id: number;
  readonly #layer: Readable;
  readonly #send: (message: ToStage) => void;
  readonly #slots: readonly Buffer[];
  /** Slots that were sent and not given back. */
  #taken = 0;
  #sent = 0;
  #isStopped = false;
  #wake: () => void = () => {};
  /** Why the layer can't be read. */
  failure: unknown;

  /** @param size bytes of the layer, as far as is known */
  constructor(id: number, layer: Readable, size: number, send: (message: ToStage) => void) {
    this.#id = id;
    this.#layer = layer;
    this.#send = send;
    const slotSize = Math.max(SLOT_SIZE.least, Math.min(size, SLOT_SIZE.most));
    this.room = new SharedArrayBuffer(SLOTS * slotSize);
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => Buffer.from(this.room, slot * slotSize, slotSize));
  }

  /** Takes slots back, the one first that was sent first. */
  used(slots: number): void {
    this.#taken -= slots;
    this.#wake();
  }

  /** Nobody takes bytes any more. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  /** Sends the whole layer, or ends when it is stopped. */
  async run(): Promise<void> {
    const id = this.#id;
    try {
      let filled = 0;
      for await (const chunk of this.#layer as AsyncIterable<Buffer>) {
        for (let at = 0; at < chunk.length; ) {
          const slot = await this.#freeSlot();
          if (slot === undefined) return;
          const length = chunk.copy(slot, filled, at);
          at += length;
          filled += length;
          if (filled < slot.length) continue;
          this.#sendSlot(slot);
          filled = 0;
        }
      }
      const last = this.#slots[this.#sent % SLOTS];
      if (filled > 0 && last) this.#sendSlot(last.subarray(0, filled));
      this.#send({ type: "layer-end", id });
    } catch (error) {
      this.failure = error;
      this.#send({ type: "layer-end", id, error: toPlainError(error) });
    }
  }

  /** The slot to be filled next, once its bytes are no longer used; undefined when it is stopped. */
  async #freeSlot(): Promise<Buffer | undefined> {
    while (this.#taken === SLOTS && !this.#isStopped) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#isStopped ? undefined : this.#slots[this.#sent % SLOTS];
  }

  #sendSlot({ byteOffset, length }: Buffer): void {
    this.#sent += 1;
    this.#taken += 1;
    this.#send({ type: "bytes", id: this.#id, at: byteOffset, length });
  }
}
