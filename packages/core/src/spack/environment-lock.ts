import { stat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { SpkociError, systemCodeOf } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { listOf, whyInvalid } from "../base/schema.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { type LosslessJson, memberOf, membersOf, parseLosslessJson } from "./lossless-json.js";
import { parseSpecNode } from "./spec-node.js";
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

/** Version of the spec files of the time when locks didn't tell it. */
const UNTOLD_SPECFILE = 1;

const lockSchema = z.object({
  _meta: z.object({ "lockfile-version": z.number(), "specfile-version": z.number().default(UNTOLD_SPECFILE) }),
  roots: listOf(z.object({ hash: z.string(), spec: z.string().default("") })),
  concrete_specs: z.record(z.string(), z.unknown()),
});

/** An environment, as its lock has it. */
export interface EnvironmentLock {
  readonly roots: readonly EnvironmentRoot[];
  /** The specs that the roots reach, by DAG hash; one of unknown form is missing. */
  readonly specs: ReadonlyMap<string, ConcreteSpec>;
}

/**
 * The roots of an environment, from the spack.lock in its folder.
 * @throws SpkociError ENVIRONMENT_INVALID
 */
export async function readEnvironmentRoots(folder: string, op?: Op): Promise<readonly EnvironmentRoot[]> {
  const path = join(folder, "spack.lock");
  return rootsIn(parseLock(await readLockText(path, op), path));
}

/**
 * The roots and specs of an environment, from a spack.lock or the folder of one.
 * @throws SpkociError ENVIRONMENT_INVALID
 */
export async function readEnvironmentLock(fileOrFolder: string, op?: Op): Promise<EnvironmentLock> {
  const stats = await stat(fileOrFolder).catch(() => undefined);
  const path = stats?.isFile() ? fileOrFolder : join(fileOrFolder, "spack.lock");
  const lock = parseLock(await readLockText(path, op), path);
  return { roots: rootsIn(lock), specs: specsIn(lock, path) };
}

async function readLockText(path: string, op: Op | undefined): Promise<string> {
  try {
    return await readTextFile(path, LOCK_LIMIT, op);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === undefined) throw error;
    throw new SpkociError("ENVIRONMENT_INVALID", `${path} can't be read: ${code}`, {
      cause: error,
      hint: "An environment is a folder with spack.yaml and spack.lock; `spack concretize` writes the lock.",
    });
  }
}

interface ParsedLock {
  readonly json: LosslessJson;
  readonly data: z.infer<typeof lockSchema>;
}

/** @throws SpkociError ENVIRONMENT_INVALID that names `what` */
function parseLock(text: string, what: string): ParsedLock {
  const json = parseLosslessJson(text, what, "ENVIRONMENT_INVALID");
  const parsed = lockSchema.safeParse(json.value);
  if (!parsed.success) {
    const why = whyInvalid(parsed.error);
    throw new SpkociError("ENVIRONMENT_INVALID", `${what} is malformed: ${why}`);
  }
  const version = parsed.data._meta["lockfile-version"];
  if (version < 1 || version > NEWEST_LOCK) {
    throw new SpkociError("ENVIRONMENT_INVALID", `${what} has lock file version ${version}`, {
      hint: `spkoci reads versions 1 to ${NEWEST_LOCK}.`,
    });
  }
  return { json, data: parsed.data };
}

function rootsIn({ data }: ParsedLock): readonly EnvironmentRoot[] {
  const nodes = data.concrete_specs;
  return data.roots.map(({ hash, spec }) => ({
    spec,
    hash: (Object.hasOwn(nodes, hash) ? dagHashIn(nodes[hash]) : undefined) ?? hash,
  }));
}

function specsIn({ json, data }: ParsedLock, what: string): Map<string, ConcreteSpec> {
  const version = data._meta["specfile-version"];
  const specs = new Map<string, ConcreteSpec>();
  for (const [key, text] of membersOf(memberOf(json.text, "concrete_specs") ?? "{}")) {
    const node = Object.hasOwn(data.concrete_specs, key) ? data.concrete_specs[key] : undefined;
    try {
      const hash = dagHashIn(node) ?? key;
      specs.set(hash, parseSpecNode(node, text, { version, what, code: "ENVIRONMENT_INVALID", hash }));
    } catch (error) {
      if (!(error instanceof SpkociError)) throw error;
    }
  }
  return specs;
}

/** Old locks file a node under another hash than its DAG hash, which stands in it; the oldest wrap it in its name. */
function dagHashIn(node: unknown): string | undefined {
  const hashed = z.object({ hash: z.string() });
  const direct = hashed.safeParse(node);
  if (direct.success) return direct.data.hash;
  const wrapped = z.record(z.string(), hashed).safeParse(node);
  return wrapped.success ? Object.values(wrapped.data)[0]?.hash : undefined;
}
