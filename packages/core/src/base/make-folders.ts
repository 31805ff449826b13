import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCodeOf } from "./errors.js";

/**
 * Makes a folder, and those above it that aren't there. One that is there is left as it is. Node's `mkdir` does the same, but never
 * ends where a file system says ENOENT to what can't be made there, as /proc does.
 * @param mode of those that are made, 0777 without the umask unless told
 * @throws the system's error
 */
export async function makeFolders(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    if (systemCodeOf(error) !== "ENOENT" || dirname(path) === path) return unlessFolder(path, error);
    await makeFolders(dirname(path), mode);
    // Another process may have made it meanwhile.
    await mkdir(path, mode).catch((again: unknown) => unlessFolder(path, again));
  }
}

async function unlessFolder(path: string, error: unknown): Promise<void> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isDirectory()) throw error;
}
