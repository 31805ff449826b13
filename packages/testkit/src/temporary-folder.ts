import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** A new empty folder below the system's temporary folder. */
export async function createTemporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "spkoci-test-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Runs `task` with a temporary folder that is removed afterwards. */
export async function withTemporaryFolder<T>(task: (path: string) => Promise<T>): Promise<T> {
  const folder = await createTemporaryFolder();
  try {
    return await task(folder.path);
  } finally {
    await folder.remove();
  }
}
