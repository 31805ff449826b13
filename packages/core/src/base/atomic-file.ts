import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { asStorageError } from "./errors.js";
import { makeFolders } from "./make-folders.js";
import { temporaryBeside } from "./temporary-file.js";

export interface WriteOptions {
  /** File mode, 0644 unless told. */
  readonly mode?: number;
  /** Whether it must outlive a crash of the machine from now on; true unless told. */
  readonly durable?: boolean;
}

/**
 * Writes `bytes` so that readers see the old file or the whole new one: temporary file beside it, sync if durable, rename.
 * Missing folders are made.
 * @throws SpkociError NO_SPACE or STORAGE_FAILED; the old file is then as it was.
 */
export async function writeFileAtomically(
  path: string,
  bytes: Uint8Array | string,
  options: WriteOptions = {},
): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await makeFolders(dirname(path));
    const file = await open(temporary, "wx", options.mode ?? 0o644);
    try {
      await file.writeFile(bytes);
      if (options.durable ?? true) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw asStorageError(error, `writing ${path}`);
  }
}
