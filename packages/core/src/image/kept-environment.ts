import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { writeFileAtomically } from "../base/atomic-file.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { formatJson, parseJson } from "../base/json.js";
import type { EnvModification } from "../spack/env-modification.js";
import { STAGING } from "../spack/install-layout.js";

/** Of which package in which store. */
export interface KeptFor {
  readonly root: string;
  /** DAG hash. */
  readonly hash: string;
  readonly prefix: string;
}

const modification = z.object({ kind: z.enum(["set", "prepend"]), name: z.string(), value: z.string() });
const keptSchema = z.object({ prefix: z.string(), modifications: z.array(modification) });

/**
 * Keeps what a package's image says of its run environment with the store, beside the prefix, in which only the package's own files are.
 * @throws SpkociError NO_SPACE or STORAGE_FAILED
 */
export async function keepEnvironment(owner: KeptFor, modifications: readonly EnvModification[]): Promise<void> {
  const path = pathOf(owner);
  const list = modifications.map(({ kind, name, value }) => ({ kind, name, value }));
  if (list.length > 0) {
    await writeFileAtomically(path, formatJson({ prefix: owner.prefix, modifications: list }));
    return;
  }
  await rm(path, { force: true }).catch((error: unknown) => {
    throw asStorageError(error, `removing ${path}`);
  });
}

/**
 * What was kept of a package that is still at the same prefix; nothing for others.
 * @throws SpkociError STORAGE_FAILED
 */
export async function readKeptEnvironment(owner: KeptFor): Promise<readonly EnvModification[]> {
  const path = pathOf(owner);
  try {
    const { prefix, modifications } = keptSchema.parse(parseJson(await readFile(path, "utf8"), path));
    return prefix === owner.prefix ? modifications : [];
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return [];
    throw new SpkociError("STORAGE_FAILED", `${path} can't be read`, {
      cause: error,
      hint: "It has the package's run environment; `spkoci install --force` writes it again.",
    });
  }
}

function pathOf({ root, hash }: KeptFor): string {
  return join(root, STAGING, "env", `${hash}.json`);
}
