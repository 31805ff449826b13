import { open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Pack } from "tar-stream";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { withFileLock } from "../base/file-lock.js";
import { type Op, throwIfAborted } from "../base/op.js";
import { paddedSize, TAR_BLOCK } from "../base/tar-header.js";
import { isTemporaryOf, temporaryBeside } from "../base/temporary-file.js";
import type { BlobSource } from "../oci/store.js";
import { FetchAhead } from "./fetch-ahead.js";

/** A file for a tar: a blob, which is read and checked as it is written, or bytes. */
export type TarPart =
  | { readonly name: string; readonly source: BlobSource }
  | { readonly name: string; readonly bytes: Buffer };

const EVERY_MS = 100;

/**
 * Writes a tar of these files, in their order, beside `path` and puts it there once it is whole and `mayReplace` says so.
 * @returns bytes of the tar
 * @throws SpkociError FILE_CHANGED if it may not; LOCKED, NO_SPACE, STORAGE_FAILED; what the sources fail with
 */
export async function writeTarFile(
  path: string,
  parts: readonly TarPart[],
  mayReplace: () => Promise<boolean>,
  op?: Op,
): Promise<number> {
  return withFileLock(
    `${path}.lock`,
    async () => {
      op?.emit?.({ type: "step", step: "write-archive", message: `writing ${path}` });
      await removeLeftovers(path);
      const temporary = temporaryBeside(path);
      try {
        const size = await writeAll(path, temporary, parts, op);
        if (!(await mayReplace())) {
          throw new SpkociError("FILE_CHANGED", `${path} was written by somebody else meanwhile`, {
            hint: "Run it again.",
          });
        }
        await storing(path, () => rename(temporary, path));
        return size;
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => {});
        throwIfAborted(op);
        throw error;
      }
    },
    op,
  );
}

async function writeAll(
  path: string,
  temporary: string,
  parts: readonly TarPart[],
  op: Op | undefined,
): Promise<number> {
  const total = parts.reduce((sum, part) => sum + TAR_BLOCK + paddedSize(sizeOf(part)), 2 * TAR_BLOCK);
  const report = createProgress(total, op);
  // Not loaded by those who only read archives.
  const { pack } = await import("tar-stream");
  const file = await storing(path, () => open(temporary, "wx", 0o644));
  const ahead = new FetchAhead(
    parts.flatMap((part) => ("source" in part ? [part.source] : [])),
    op,
  );
  const tar = pack();
  // Why it can't be made is what reading it ends with.
  const filling = fill(tar, parts, ahead).catch((error: Error) => tar.destroy(error));
  let written = 0;
  try {
    for await (const bytes of tar as AsyncIterable<Uint8Array>) {
      throwIfAborted(op);
      await storing(path, () => file.writeFile(bytes));
      written += bytes.length;
      report(written);
    }
    await storing(path, () => file.sync());
  } finally {
    tar.destroy();
    await ahead.end();
    await filling;
    await file.close().catch(() => {});
  }
  return written;
}

async function fill(tar: Pack, parts: readonly TarPart[], ahead: FetchAhead): Promise<void> {
  let blobs = 0;
  for (const part of parts) {
    const entry = tar.entry({ name: part.name, size: sizeOf(part), mode: 0o644, mtime: new Date(0) });
    if ("bytes" in part) await pipeline([part.bytes], entry);
    else {
      await pipeline(ahead.content(blobs), entry);
      blobs += 1;
    }
  }
  tar.finalize();
}

function sizeOf(part: TarPart): number {
  return "bytes" in part ? part.bytes.length : part.source.descriptor.size;
}

/** Tells how far the tar is, ten times a second at most and at its end. */
function createProgress(total: number, op: Op | undefined): (done: number) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (done) => {
    const now = performance.now();
    if (now - last < EVERY_MS && done < total) return;
    last = now;
    op?.emit?.({ type: "progress", step: "write-archive", unit: "bytes", done, total });
  };
}

/** Removes what killed processes left; whoever holds the lock is the only one that writes. */
async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  const names = await storing(path, () => readdir(folder));
  const leftovers = names.filter((name) => isTemporaryOf(name, path));
  for (const name of leftovers) await storing(path, () => rm(join(folder, name), { force: true }));
}

async function storing<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (systemCodeOf(error) === "EFBIG") {
      throw new SpkociError("STORAGE_FAILED", `writing ${path}: the file system takes no file of that size`, {
        hint: "FAT32 has 4 GiB at most: format the disk with exFAT, or copy to a folder (oci:DIR).",
        cause: error,
      });
    }
    throw asStorageError(error, `writing ${path}`);
  }
}
