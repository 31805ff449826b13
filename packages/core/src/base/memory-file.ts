import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeFileAtomically } from "./atomic-file.js";
import { digestOf, hexOf } from "./digest.js";
import { asStorageError, systemCodeOf } from "./errors.js";
import { parseJson } from "./json.js";
import { makeFolders } from "./make-folders.js";
import { isOwnFile } from "./process-owner.js";

/** Names of memory files. */
export const MEMORY_FILE: RegExp = /^[0-9a-f]{64}\.json$/;

/** The largest file that is read, bytes. */
const FILE_LIMIT = 128 * 1024;

/** Path of the small file in a cache's folder in which something is remembered that `subject` tells from all else there. */
export function memoryFilePath(folder: string, subject: readonly unknown[]): string {
  return join(folder, `${hexOf(digestOf(JSON.stringify(subject)))}.json`);
}

/** What `writeMemoryFile` wrote there; undefined if nothing is, or it can't be read, is damaged, or is another user's, or may be written by one. */
export async function readMemoryFile(path: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const [entry = "", sum] = (await readPrivateFile(path))?.split("\n") ?? [];
  if (sum !== digestOf(entry) || !entry.startsWith("{")) return undefined;
  return parseJson(entry, "an entry") as Record<string, unknown>;
}

/**
 * Replaces the file, and makes its folder if need be, both for this user alone. Several processes may do so: a file is written whole or
 * not at all, and the last one stays.
 * @throws SpkociError NO_SPACE or STORAGE_FAILED
 */
export async function writeMemoryFile(path: string, value: Readonly<Record<string, unknown>>): Promise<void> {
  const folder = dirname(path);
  await makeFolders(folder, 0o700).catch((error: unknown) => {
    throw asStorageError(error, `making ${folder}`);
  });
  const entry = JSON.stringify(value);
  await writeFileAtomically(path, `${entry}\n${digestOf(entry)}\n`, { mode: 0o600, durable: false });
}

/** The text of a file of this user that nobody else may write. */
async function readPrivateFile(path: string): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const stats = await file.stat();
    const isPrivate = (stats.mode & 0o022) === 0 && isOwnFile(stats);
    return isPrivate && stats.size <= FILE_LIMIT ? await file.readFile("utf8") : undefined;
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return undefined;
  } finally {
    await file?.close();
  }
}
