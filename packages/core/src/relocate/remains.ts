import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { mapConcurrently } from "../base/concurrency.js";

const CHUNK = 1024 * 1024;
const FILES_AT_ONCE = 4;

/**
 * Those of some files whose bytes hold `path`, in byte order.
 * @param folder that the files' paths start from
 */
export async function filterByContent(
  folder: string,
  files: readonly string[],
  path: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const needle = Buffer.from(path);
  const found = await mapConcurrently(files, FILES_AT_ONCE, (file) => holds(join(folder, file), needle), signal);
  return files.filter((_, at) => found[at]).sort();
}

/**
 * Regular files of a prefix that hold `path` in their bytes, in byte order: after a relocation those that it leaves alone, such as data
 * files and archives of object files. `.spack/`, Spack's own records, is passed over.
 * @param folder where the prefix lies
 * @param passOver paths in the prefix that need no look
 */
export async function findRemains(
  folder: string,
  path: string,
  passOver: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const files = (await listFiles(folder)).filter((file) => !passOver.has(file));
  return filterByContent(folder, files, path, signal);
}

async function listFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  const folders = [""];
  for (let inside = folders.pop(); inside !== undefined; inside = folders.pop()) {
    for (const entry of await readdir(join(folder, inside), { withFileTypes: true })) {
      const path = join(inside, entry.name);
      if (entry.isFile()) files.push(path);
      else if (entry.isDirectory() && path !== ".spack") folders.push(path);
    }
  }
  return files;
}

/** Reads in pieces that overlap by the length of the needle. */
async function holds(file: string, needle: Buffer): Promise<boolean> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK + needle.length, size));
    for (let at = 0; at + needle.length <= size; at += CHUNK) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (buffer.subarray(0, bytesRead).includes(needle)) return true;
    }
    return false;
  } finally {
    await handle.close();
  }
}
