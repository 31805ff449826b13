import { stat } from "node:fs/promises";
import { posix } from "node:path";
import { writeFileAtomically } from "../base/atomic-file.js";
import { SBANG_SCRIPT } from "../relocate/sbang.js";

/** Where a store has the script that runs scripts with long interpreter lines. */
export function sbangPath(root: string): string {
  return posix.join(root, "bin", "sbang");
}

/** Writes the store's sbang unless it has one, such as Spack's own. */
export async function writeSbang(root: string): Promise<void> {
  const path = sbangPath(root);
  if ((await stat(path).catch(() => undefined)) !== undefined) return;
  await writeFileAtomically(path, SBANG_SCRIPT, { mode: 0o755 });
}
