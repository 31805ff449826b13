import { open } from "node:fs/promises";
import { Readable } from "node:stream";

const READ_SIZE = 256 * 1024;

/** A file that is read while it is written. Whoever writes it must call `end` or `fail` at last. */
export class GrowingFile {
  readonly #path: string;
  /** Resolves at the next call of the writer. */
  #news: Promise<void>;
  #tell: () => void = () => {};
  #state: "growing" | "whole" | { readonly failure: unknown } = "growing";

  constructor(path: string) {
    this.#path = path;
    this.#news = this.#nextNews();
  }

  /** There may be more to read. */
  grew(): void {
    const tell = this.#tell;
    this.#news = this.#nextNews();
    tell();
  }

  /** Everything is written. */
  end(): void {
    this.#state = "whole";
    this.grew();
  }

  /** No more comes: readers fail with the reason. */
  fail(reason: unknown): void {
    this.#state = { failure: reason };
    this.grew();
  }

  /** A new stream from the first byte, which waits at the end of what is written. The file must exist. */
  open(): Readable {
    return Readable.from(this.#read(), { objectMode: false });
  }

  async *#read(): AsyncGenerator<Buffer, void, undefined> {
    const file = await open(this.#path);
    try {
      let free = Buffer.alloc(0);
      for (let position = 0; ; ) {
        // Looked at before reading: what is written meanwhile is read next.
        const news = this.#news;
        const state = this.#state;
        if (typeof state === "object") throw state.failure;
        // Small pieces share their memory, so that each doesn't hold that of a large one.
        if (free.length === 0) free = Buffer.allocUnsafeSlow(READ_SIZE);
        const { bytesRead } = await file.read(free, 0, free.length, position);
        position += bytesRead;
        if (bytesRead > 0) yield free.subarray(0, bytesRead);
        else if (state === "whole") return;
        else await news;
        free = free.subarray(bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  #nextNews(): Promise<void> {
    return new Promise((resolve) => {
      this.#tell = resolve;
    });
  }
}
