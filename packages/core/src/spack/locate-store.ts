import { stat } from "node:fs/promises";
import { join, posix } from "node:path";
import * as z from "zod";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { DATABASE_PATH } from "./database.js";
import { parseLosslessJson } from "./lossless-json.js";
import { type Environment, findSpack, runSpack } from "./spack-command.js";
import { PathOnDisk } from "./sysroot.js";

export interface LocateStoreOptions {
  /** What the user said: the store's root, or a Spack checkout with its store in opt/spack. */
  readonly store?: string | undefined;
  /** The folder that is `/` for recorded paths. */
  readonly sysroot?: string | undefined;
  /** Variables: SPACK_ROOT is looked at, PATH is searched for spack. */
  readonly env: Environment;
  /** The spack command, instead of one from PATH. */
  readonly spack?: string | undefined;
}

export interface LocatedStore {
  /** Root of the store as recorded. */
  readonly root: string;
  /** Roots of upstream stores, where a spack was asked. */
  readonly upstreams: readonly string[];
  /** What led to it. */
  readonly source: "given" | "sysroot" | "SPACK_ROOT" | "spack";
}

/** Where a store usually is in a container or an image. */
const USUAL_ROOTS = ["/opt/spack/opt/spack", "/opt/spack", "/opt/software", "/spack/opt/spack", "/software"];

const MARKER = "spkoci-store:";

/** One line of Python for `spack python -c`; no command of Spack tells where its store is. */
const ASK_FOR_STORE = [
  "import json, spack.store as m",
  "s = getattr(m, 'STORE', None) or m.store",
  "u = [str(d.root) for d in getattr(s.db, 'upstream_dbs', None) or []]",
  `print('${MARKER}' + json.dumps({'root': str(s.root), 'upstreams': u}))`,
].join("; ");

const answerSchema = z.object({ root: z.string().startsWith("/"), upstreams: z.array(z.string().startsWith("/")) });

/**
 * Finds the store: what the user said; with a sysroot, the one of the usual places that has a store; else `$SPACK_ROOT/opt/spack`,
 * and last what a spack command says.
 * @throws SpkociError STORE_NOT_FOUND or SPACK_FAILED
 */
export async function locateStore(options: LocateStoreOptions, op?: Op): Promise<LocatedStore> {
  const { store, sysroot, env } = options;
  const disk = new PathOnDisk(sysroot);
  if (store !== undefined) return { root: await givenRoot(store, sysroot, disk), upstreams: [], source: "given" };
  if (sysroot !== undefined) return { root: await usualRoot(sysroot, disk), upstreams: [], source: "sysroot" };
  if (env.SPACK_ROOT) {
    const root = join(env.SPACK_ROOT, "opt", "spack");
    if (await holdsStore(root)) return { root, upstreams: [], source: "SPACK_ROOT" };
  }
  const command = options.spack ?? (await findSpack(env));
  if (command !== undefined) return askForStore(command, env, op);
  throw new SpkociError("STORE_NOT_FOUND", "no Spack store is named, and there is no spack to ask for one", {
    hint: "Say --store DIR or set SPKOCI_STORE; DIR is the folder with .spack-db, such as /opt/spack/opt/spack.",
  });
}

async function givenRoot(store: string, sysroot: string | undefined, disk: PathOnDisk): Promise<string> {
  const root = sysroot === undefined ? posix.resolve(store) : withoutSysroot(store, sysroot);
  for (const candidate of [root, posix.join(root, "opt/spack")]) {
    if (await holdsStore(await disk.find(candidate))) return candidate;
  }
  throw new SpkociError("STORE_NOT_FOUND", `no Spack store at ${await disk.find(root)}`, {
    hint: "A store is the folder with .spack-db, such as /opt/spack/opt/spack; the checkout that has it in opt/spack will do too.",
  });
}

/** Recorded paths are meant, but a path on this disk that lies in the sysroot is understood. */
function withoutSysroot(store: string, sysroot: string): string {
  const top = posix.resolve(sysroot);
  const path = posix.resolve(store);
  return path.startsWith(`${top}/`) ? path.slice(top.length) : posix.resolve("/", store);
}

async function usualRoot(sysroot: string, disk: PathOnDisk): Promise<string> {
  const found: string[] = [];
  for (const root of USUAL_ROOTS) {
    if (await holdsStore(await disk.find(root))) found.push(root);
  }
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const why = only === undefined ? "no Spack store" : `several Spack stores (${found.join(", ")})`;
  throw new SpkociError("STORE_NOT_FOUND", `${why} at the usual places below ${sysroot}`, {
    hint: `Say --store DIR, as it is recorded, such as ${USUAL_ROOTS[0]}.`,
  });
}

async function askForStore(command: string, env: Environment, op: Op | undefined): Promise<LocatedStore> {
  const output = await runSpack(command, ["python", "-c", ASK_FOR_STORE], env, op);
  const line = output.split("\n").find((text) => text.startsWith(MARKER));
  const json = line?.slice(MARKER.length) ?? "null";
  const answer = answerSchema.safeParse(parseLosslessJson(json, `the answer of ${command}`, "SPACK_FAILED").value);
  if (!answer.success) {
    throw new SpkociError("SPACK_FAILED", `${command} doesn't say where its store is`, { hint: "Say --store DIR." });
  }
  if (await holdsStore(answer.data.root)) return { ...answer.data, source: "spack" };
  throw new SpkociError("STORE_NOT_FOUND", `${command} has its store at ${answer.data.root}, but there is none yet`, {
    hint: "Install a package with it, or say --store DIR.",
  });
}

async function holdsStore(root: string): Promise<boolean> {
  try {
    return (await stat(join(root, DATABASE_PATH))).isFile();
  } catch {
    return false;
  }
}
