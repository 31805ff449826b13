import { stat } from "node:fs/promises";
import { writeFileAtomically } from "../base/atomic-file.js";
import { SBANG_SCRIPT, sbangPathIn } from "../relocate/sbang.js";

/** Writes the store's sbang unless it has one, such as Spack's own. */
export async function writeSbang(root: string): Promise<void> {
  const path = sbangPathIn(root);
  if ((await stat(path).catch(() => undefined)) !== undefined) return;
  await writeFileAtomically(path, SBANG_SCRIPT, { mode: 0o755 });
}
