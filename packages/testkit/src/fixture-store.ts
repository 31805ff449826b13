import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createTemporaryFolder, type TemporaryFolder } from "./temporary-folder.js";

/** The absolute path of a file below `fixtures/` of the repository, such as `small/store-index.json`. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../../../fixtures/${name}`, import.meta.url));
}

/** A real Spack store unpacked under a temporary folder. */
export interface FixtureStore extends TemporaryFolder {
  /** The store's recorded path: below `path`, which is its sysroot. */
  readonly store: "/opt/spack/opt/spack";
}

/** Unpacks fixtures/small/store.tar.gz (libgreet, greeter and others) with `tar`. */
export async function unpackFixtureStore(): Promise<FixtureStore> {
  const folder = await createTemporaryFolder();
  const archive = fixturePath("small/store.tar.gz");
  await promisify(execFile)("tar", ["-xzpf", archive, "-C", folder.path, "--no-same-owner"]);
  return { ...folder, store: "/opt/spack/opt/spack" };
}
