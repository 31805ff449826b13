import { type Extract, extract, type Header } from "tar-stream";
import { checkStructure } from "./extract-structure.js";
import { Refusal } from "./unpack-refusal.js";

/** One entry of a tar, as it stands there: nothing of it can be relied on. */
export interface TarEntry {
  readonly name: string;
  /** tar-stream's word; null for a type it doesn't know. */
  readonly type: Header["type"] | null;
  /** Any number; null where the field holds none. */
  readonly mode: number | null;
  /** Bytes. */
  readonly size: number;
  /** Perhaps not a valid date. */
  readonly mtime: Date;
  /** Target of a link; empty for others. */
  readonly target: string;
  /** To be read before the next entry is asked for. */
  readonly content: AsyncIterable<Buffer>;
}

/**
 * The entries of a tar whose structure `checkStructure` finds sound. Errors of `source` are thrown as they are.
 * @throws Refusal
 */
export async function* extractEntries(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void, undefined> {
  const reader = extract();
  const feed = new Feed();
  const feeding = feed.run(checkStructure(source), reader);
  try {
    for await (const entry of reader) yield describe(entry.header, feed.explaining(entry as AsyncIterable<Buffer>));
  } catch (error) {
    throw feed.explain(error);
  } finally {
    reader.destroy(null);
    await feeding;
  }
}

/** Writes a tar into the reader at its pace. */
class Feed {
  #failure: Error | undefined;

  /** Why reading failed: because the tar failed, or else because tar-stream couldn't read it. */
  explain(error: unknown): unknown {
    return this.#failure ?? Refusal.of("it can't be read", error);
  }

  /** The same chunks. A stream that was destroyed before it is read doesn't say why, so its failure is explained. */
  async *explaining(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* content;
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** Ends the reader with the tar; a failure is kept, and destroys the reader with the entry that is being read. */
  async run(tar: AsyncIterable<Buffer>, reader: Extract): Promise<void> {
    try {
      for await (const chunk of tar) {
        if (!reader.write(chunk)) await drained(reader);
        if (reader.destroyed) return;
      }
      reader.end(null);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      reader.destroy(this.#failure);
    }
  }
}

/** Waits until the reader takes more, or is destroyed. */
async function drained(reader: Extract): Promise<void> {
  if (reader.destroyed) return;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      reader.off("drain", settle);
      reader.off("close", settle);
      resolve();
    };
    reader.on("drain", settle);
    reader.on("close", settle);
  });
}

function describe(header: Header, content: AsyncIterable<Buffer>): TarEntry {
  const { name, type, mode, size, mtime, linkname } = header;
  return { name, type, mode, size, mtime, target: linkname ?? "", content };
}
