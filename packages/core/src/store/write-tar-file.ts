import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { temporaryBeside } from "../base/atomic-file.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { withFileLock } from "../base/file-lock.js";
import { type Op, throwIfAborted } from "../base/op.js";
import { formatTarHeader, paddedSize, TAR_BLOCK } from "../base/tar-header.js";
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
  const file = await storing(path, () => open(temporary, "wx", 0o644));
  let written = 0;
  const write = async (bytes: Uint8Array): Promise<void> => {
    await storing(path, () => file.writeFile(bytes));
    written += bytes.length;
    report(written);
  };
  const ahead = new FetchAhead(
    parts.flatMap((part) => ("source" in part ? [part.source] : [])),
    op,
  );
  let blobs = 0;
  try {
    for (const part of parts) {
      throwIfAborted(op);
      const size = sizeOf(part);
      await write(formatTarHeader({ name: part.name, type: "0", mode: 0o644, size }));
      if ("bytes" in part) await write(part.bytes);
      else {
        for await (const chunk of ahead.content(blobs)) await write(chunk);
        blobs += 1;
      }
      await write(Buffer.alloc(paddedSize(size) - size));
    }
    await write(Buffer.alloc(2 * TAR_BLOCK));
    await storing(path, () => file.sync());
  } finally {
    await ahead.end();
    await file.close().catch(() => {});
  }
  return written;
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
  const start = `.${basename(path)}.`;
  const names = await storing(path, () => readdir(folder));
  const leftovers = names.filter(
    (name) => name.startsWith(start) && /^[0-9a-f]{16}\.tmp$/.test(name.slice(start.length)),
  );
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
