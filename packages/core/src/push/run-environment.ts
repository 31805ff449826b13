import { adaptiveCalls } from "../base/adaptive-calls.js";
import { asSpkociError, SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { labelOf } from "../spack/concrete-spec.js";
import type { EnvModification } from "../spack/env-modification.js";
import type { InstallRecord } from "../spack/install-store.js";
import { inspectPrefix } from "../spack/run-environment.js";
import { findSpack } from "../spack/spack-command.js";
import { askSpack } from "../spack/spack-load.js";
import type { PushOptions, RunEnvironmentSource } from "./options.js";

/** The run environment of an image and where it comes from. */
export interface RunEnvironment {
  readonly source: "prefix" | "spack";
  readonly modifications: readonly EnvModification[];
}

/** Finds run environments; each prefix is looked at once. */
export interface RunEnvironments {
  /** Whether recipes can and shall be asked. */
  readonly asksSpack: boolean;
  /** For an image over `roots` made of `layers` (dependencies first), on top of the base's variables. */
  find(
    roots: readonly InstallRecord[],
    layers: readonly InstallRecord[],
    baseEnv: readonly string[],
    op: Op,
  ): Promise<RunEnvironment>;
}

/**
 * How the images' run environments are found, as `options.runEnv` says.
 * @throws SpkociError SPACK_FAILED for `spack` without a spack command
 */
export async function createRunEnvironments(options: PushOptions, op: Op): Promise<RunEnvironments> {
  const mode: RunEnvironmentSource = options.runEnv ?? "auto";
  const command = await commandFor(mode, options);
  const calls = adaptiveCalls();
  const inspected = new Map<string, Promise<readonly EnvModification[]>>();
  const inspect = (record: InstallRecord): Promise<readonly EnvModification[]> => {
    const known = inspected.get(record.spec.hash) ?? inspectPrefix(record, calls);
    inspected.set(record.spec.hash, known);
    return known;
  };
  const fromPrefixes = async (layers: readonly InstallRecord[]): Promise<RunEnvironment> => ({
    source: "prefix",
    modifications: (await Promise.all(layers.map(inspect))).flat(),
  });
  return {
    asksSpack: command !== undefined,
    async find(roots, layers, baseEnv, callOp) {
      if (command === undefined) return fromPrefixes(layers);
      try {
        const hashes = roots.map((root) => root.spec.hash);
        const modifications = await askSpack(command, hashes, baseEnv, options.env ?? {}, callOp);
        return { source: "spack", modifications };
      } catch (error) {
        if (mode === "spack" || callOp.signal?.aborted) throw error;
        warnOfFallback(roots, error, op);
        return fromPrefixes(layers);
      }
    },
  };
}

/** A spack command knows its own store, not one under a sysroot, so `auto` asks none there. */
async function commandFor(mode: RunEnvironmentSource, options: PushOptions): Promise<string | undefined> {
  if (mode === "prefix" || (mode === "auto" && options.sysroot !== undefined)) return undefined;
  const command = options.spack ?? (await findSpack(options.env ?? {}));
  if (command !== undefined || mode === "auto") return command;
  throw new SpkociError("SPACK_FAILED", "there is no spack on the PATH to ask for the run environment", {
    hint: "Put spack on the PATH, or use --run-env prefix.",
  });
}

function warnOfFallback(roots: readonly InstallRecord[], error: unknown, op: Op): void {
  const names = roots.map((root) => labelOf(root.spec)).join(", ");
  op.emit?.({
    type: "warning",
    message: `spack could not tell the run environment of ${names}: ${asSpkociError(error).message}`,
    hint: "The environment comes from the folders of the prefixes; variables that recipes set are missing.",
  });
}
