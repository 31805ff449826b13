import { join } from "node:path";
import * as z from "zod";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { parseLosslessJson } from "./lossless-json.js";
import { readTextFile } from "./text-file.js";

/** A root of an environment. */
export interface EnvironmentRoot {
  /** As the user asked for it. */
  readonly spec: string;
  /** DAG hash. */
  readonly hash: string;
}

const LOCK_LIMIT = 256 * 1024 * 1024;
const NEWEST_LOCK = 7;

const lockSchema = z.object({
  _meta: z.object({ "lockfile-version": z.number() }),
  roots: z.array(z.object({ hash: z.string(), spec: z.string().default("") })),
  concrete_specs: z.record(z.string(), z.unknown()),
});

/**
 * The roots of an environment, from the spack.lock in its folder.
 * @throws SpkociError ENVIRONMENT_INVALID
 */
export async function readEnvironmentRoots(folder: string, op?: Op): Promise<readonly EnvironmentRoot[]> {
  const path = join(folder, "spack.lock");
  let text: string;
  try {
    text = await readTextFile(path, LOCK_LIMIT, op);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === undefined) throw error;
    throw new SpkociError("ENVIRONMENT_INVALID", `${path} can't be read: ${code}`, {
      cause: error,
      hint: "An environment is a folder with spack.yaml and spack.lock; `spack concretize` writes the lock.",
    });
  }
  return parseEnvironmentRoots(text, path);
}

/** @throws SpkociError ENVIRONMENT_INVALID that names `what` */
function parseEnvironmentRoots(text: string, what: string): readonly EnvironmentRoot[] {
  const parsed = lockSchema.safeParse(parseLosslessJson(text, what, "ENVIRONMENT_INVALID").value);
  if (!parsed.success) {
    const why = z.prettifyError(parsed.error).replaceAll(/\s+/g, " ");
    throw new SpkociError("ENVIRONMENT_INVALID", `${what} is malformed: ${why}`);
  }
  const version = parsed.data._meta["lockfile-version"];
  if (version < 1 || version > NEWEST_LOCK) {
    throw new SpkociError("ENVIRONMENT_INVALID", `${what} has lock file version ${version}`, {
      hint: `spkoci reads versions 1 to ${NEWEST_LOCK}.`,
    });
  }
  const nodes = parsed.data.concrete_specs;
  return parsed.data.roots.map(({ hash, spec }) => ({
    spec,
    hash: (Object.hasOwn(nodes, hash) ? dagHashIn(nodes[hash]) : undefined) ?? hash,
  }));
}

/** Old locks file a node under another hash than its DAG hash, which stands in it; the oldest wrap it in its name. */
function dagHashIn(node: unknown): string | undefined {
  const hashed = z.object({ hash: z.string() });
  const direct = hashed.safeParse(node);
  if (direct.success) return direct.data.hash;
  const wrapped = z.record(z.string(), hashed).safeParse(node);
  return wrapped.success ? Object.values(wrapped.data)[0]?.hash : undefined;
}
