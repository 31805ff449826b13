import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const FIXTURES = fileURLToPath(new URL("../../../fixtures", import.meta.url));

/** Path of a file of fixtures/. */
export function fixturePath(...parts: readonly string[]): string {
  return join(FIXTURES, ...parts);
}

/** Unpacks the small store of fixtures/ into `folder`, which then is its sysroot. */
export async function unpackSmallStore(folder: string): Promise<void> {
  await promisify(execFile)("tar", ["-xzf", fixturePath("small", "store.tar.gz"), "-C", folder]);
}
