import type { Stats } from "node:fs";
import { type FileHandle, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { mapConcurrently } from "../base/concurrency.js";
import { algorithmOf, type Digest, hexOf, isDigest, requireKnown } from "../base/digest.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";
import { type Op, throwIfAborted } from "../base/op.js";
import { collect, inGroups, verified } from "../base/streams.js";
import { temporaryBeside } from "../base/temporary-file.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { BlobSource, Staging } from "../oci/store.js";

/** A file of a blob folder. */
export interface StoredBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** ms since 1970. */
  readonly writtenAt: number;
}

const STATS_AT_ONCE = 16;
/** Bytes that are written at once. */
const WRITE_SIZE = 1024 * 1024;

/** Bytes of a blob that one call of the file system reads. */
const READ_AT_ONCE = 256 * 1024;

/** The content of an image layout: files named for their digest (image-spec, image-layout.md, Blobs). */
export class BlobFolder {
  readonly #folder: string;
  readonly staging: Staging;

  /** `folder` is that of the layout; temporary files lie in it beside `blobs`, where no reader takes them for blobs. */
  constructor(folder: string) {
    this.#folder = folder;
    this.staging = { folder, newFile: () => temporaryBeside(join(folder, "put")) };
  }

  /** @throws SpkociError DOCUMENT_INVALID for a digest of an unknown algorithm */
  pathOf(digest: Digest): string {
    requireKnown(digest);
    return join(this.#folder, "blobs", algorithmOf(digest), hexOf(digest));
  }

  /** Bytes of a blob, undefined if there is none. */
  async sizeOf(digest: Digest): Promise<number | undefined> {
    const stats = isDigest(digest) ? await statIfThere(this.pathOf(digest)) : undefined;
    return stats?.isFile() ? stats.size : undefined;
  }

  /** @throws SpkociError BLOB_NOT_FOUND, DOCUMENT_INVALID; the stream fails with SIZE_MISMATCH or DIGEST_MISMATCH. */
  async open(blob: Descriptor, op?: Op): Promise<Readable> {
    throwIfAborted(op);
    const path = this.pathOf(blob.digest);
    let file: FileHandle;
    try {
      file = await open(path);
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") throw new SpkociError("BLOB_NOT_FOUND", `there is no blob ${path}`);
      throw asStorageError(error, `reading ${path}`);
    }
    const highWaterMark = Math.min(Math.max(blob.size, 1), READ_AT_ONCE);
    return verified(file.createReadStream({ highWaterMark }), blob, path, op?.signal);
  }

  /** A small blob whole, checked; undefined if there is none. */
  async read(blob: Descriptor, op?: Op): Promise<Buffer | undefined> {
    if ((await this.sizeOf(blob.digest)) === undefined) return undefined;
    return collect(await this.open(blob, op), blob.size, this.pathOf(blob.digest));
  }

  /** Writes a blob that nobody reads before it is whole and checked; or moves its file, if it gives one. */
  async write(blob: BlobSource, op?: Op): Promise<void> {
    throwIfAborted(op);
    const { descriptor } = blob;
    const path = this.pathOf(descriptor.digest);
    const given = blob.take?.();
    const temporary = given ?? this.staging.newFile();
    try {
      if (given === undefined) await this.#writeTemporary(temporary, blob, op);
      else await syncFile(given, descriptor.size);
      throwIfAborted(op);
      await storing(path, async () => {
        await makeFolders(dirname(path));
        await rename(temporary, path);
      });
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throwIfAborted(op);
      throw error;
    }
  }

  /** Every blob that is named by its sha256. */
  async list(op?: Op): Promise<StoredBlob[]> {
    const folder = join(this.#folder, "blobs", "sha256");
    const digests = (await namesIn(folder)).map((name) => `sha256:${name}`).filter(isDigest);
    const found = await mapConcurrently(
      digests,
      STATS_AT_ONCE,
      async (digest): Promise<StoredBlob[]> => {
        const stats = await statIfThere(this.pathOf(digest));
        return stats?.isFile() ? [{ digest, size: stats.size, writtenAt: stats.mtimeMs }] : [];
      },
      op?.signal,
    );
    return found.flat();
  }

  /** When a blob was written or put again, ms since 1970; undefined if there is none. */
  async writtenAt(digest: Digest): Promise<number | undefined> {
    return (await statIfThere(this.pathOf(digest)))?.mtimeMs;
  }

  /** Sets a blob's time to now. Whoever may not, doesn't. */
  async touch(digest: Digest): Promise<void> {
    const now = new Date();
    await utimes(this.pathOf(digest), now, now).catch(() => {});
  }

  /** Removes a blob. False if there was none. */
  async remove(digest: Digest): Promise<boolean> {
    const path = this.pathOf(digest);
    if ((await this.sizeOf(digest)) === undefined) return false;
    await storing(path, () => rm(path, { force: true }));
    return true;
  }

  async #writeTemporary(temporary: string, blob: BlobSource, op: Op | undefined): Promise<void> {
    const file = await storing(temporary, () => open(temporary, "wx", 0o644));
    try {
      const { descriptor, isChecked = false } = blob;
      const source = await blob.open(op);
      const checked = isChecked ? source : verified(source, descriptor, `blob ${descriptor.digest}`, op?.signal);
      // Failures of writing get their path here; those of the source go through as they are.
      for await (const group of inGroups(checked, WRITE_SIZE)) await storing(temporary, () => writeAll(file, group));
      await storing(temporary, () => file.sync());
    } finally {
      await file.close();
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return [];
    throw asStorageError(error, `reading ${folder}`);
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw asStorageError(error, `reading ${path}`);
  }
}

/** Has the disk keep a file, which must have `size` bytes. */
async function syncFile(path: string, size: number): Promise<void> {
  const file = await storing(path, () => open(path, "r+"));
  try {
    const found = (await file.stat()).size;
    if (found !== size) throw new SpkociError("SIZE_MISMATCH", `${path} should have ${size} bytes but has ${found}`);
    await storing(path, () => file.sync());
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  const { bytesWritten } = await file.writev(chunks);
  const size = chunks.reduce((sum, { length }) => sum + length, 0);
  if (bytesWritten < size) await file.writeFile(Buffer.concat(chunks).subarray(bytesWritten));
}

async function storing<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw asStorageError(error, `writing ${path}`);
  }
}
