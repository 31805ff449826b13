import { chmod, lstat, readdir, rm } from "node:fs/promises";
import { asStorageError, systemCodeOf } from "./errors.js";

/**
 * Removes a file, a link, or a folder with all that is in it, even where folders are read-only. Links are not followed. That there is
 * nothing is no error.
 * @throws SpkociError STORAGE_FAILED
 */
export async function removeTree(path: string): Promise<void> {
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  try {
    await remove().catch(async (error: unknown) => {
      if (!["EACCES", "EPERM"].includes(systemCodeOf(error) ?? "")) throw error;
      await makeFoldersWritable(path);
      await remove();
    });
  } catch (error) {
    throw asStorageError(error, `removing ${path}`);
  }
}

/** Lets the owner list and empty every folder of a tree. */
async function makeFoldersWritable(path: string): Promise<void> {
  const pending = [Buffer.from(path)];
  for (const folder of pending) {
    const stats = await lstat(folder);
    if (!stats.isDirectory()) continue;
    await chmod(folder, stats.mode | 0o700);
    for (const entry of await readdir(folder, { withFileTypes: true, encoding: "buffer" })) {
      if (entry.isDirectory()) pending.push(Buffer.concat([folder, Buffer.from("/"), entry.name]));
    }
  }
}
