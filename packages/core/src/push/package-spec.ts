import { stat } from "node:fs/promises";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { labelOf } from "../spack/concrete-spec.js";
import { verifyDagHashes } from "../spack/dag-hash.js";
import type { InstallRecord, InstallStore } from "../spack/install-store.js";
import { composeSpecFile, readSpecFile, type SpecFile } from "../spack/spec-file.js";

/**
 * An installed package's spec with all its nodes, each with the DAG hash that it claims: from the prefix, or from the database where the
 * prefix has none.
 * @throws SpkociError PREFIX_MISSING, SPEC_INVALID, DAG_HASH_MISMATCH
 */
export async function readPackageSpec(store: InstallStore, record: InstallRecord, op?: Op): Promise<SpecFile> {
  const file = (await readSpecFile(record, op)) ?? (await composed(store, record));
  verifyDagHashes(file.nodes.values());
  return file;
}

async function composed(store: InstallStore, record: InstallRecord): Promise<SpecFile> {
  const folder = await stat(record.path).catch(() => undefined);
  if (folder?.isDirectory()) return composeSpecFile(store, record);
  throw new SpkociError("PREFIX_MISSING", `the prefix of ${labelOf(record.spec)} is missing: ${record.path}`, {
    hint: "Reinstall the package, or let `spack reindex` forget it.",
  });
}
