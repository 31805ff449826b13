import type { ErrorCode } from "../base/error-codes.js";
import { asSpkociError, SpkociError } from "../base/errors.js";
import { type Op, throwIfAborted } from "../base/op.js";
import { labelOf } from "../spack/concrete-spec.js";
import { type Difference, verifyPrefix } from "../spack/install-manifest.js";
import { type InstallRecord, readInstallStore } from "../spack/install-store.js";
import { INSTALL_MANIFEST } from "../spack/prefix-listing.js";
import { findSpecs } from "../spack/select-specs.js";

export interface VerifyOptions {
  /** Root of the store: the folder that holds `.spack-db`. */
  readonly root: string;
  /** `name`, `name@1.2:`, `name+variant`, `/hash`; every installed package that matches one is verified, all if there are none. */
  readonly specs: readonly string[];
}

export interface VerifiedPackage {
  readonly name: string;
  readonly version: string;
  /** DAG hash. */
  readonly hash: string;
  readonly prefix: string;
  /** `failed`: it can't be told, for the reason in `error`. */
  readonly outcome: "intact" | "different" | "failed";
  /** How the prefix isn't as its install manifest has it, in the order of paths; a missing prefix or manifest is a difference too. */
  readonly differences: readonly Difference[];
  readonly error?:
    | { readonly code: ErrorCode; readonly message: string; readonly hint?: string | undefined }
    | undefined;
}

export interface VerifyResult {
  readonly root: string;
  /** In the order of the database. */
  readonly packages: readonly VerifiedPackage[];
}

/**
 * Compares installed packages with their install manifests: which files there are, their kinds, permissions, owners, sizes, times and
 * contents, and where links point, as `spack verify manifest` does. Writes nothing.
 * @throws SpkociError STORE_NOT_FOUND, DATABASE_INVALID, DATABASE_VERSION, INVALID_ARGUMENT, SPEC_NOT_FOUND
 */
export async function verify(options: VerifyOptions, op: Op = {}): Promise<VerifyResult> {
  const store = await readInstallStore({ root: options.root }, op);
  const packages: VerifiedPackage[] = [];
  for (const record of findSpecs(store, options.specs)) {
    throwIfAborted(op);
    op.emit?.({ type: "step", step: "verify", message: `comparing ${labelOf(record.spec)} with its manifest` });
    packages.push(await verifyPackage(record, op));
  }
  return { root: store.root, packages };
}

async function verifyPackage({ spec, prefix, path }: InstallRecord, op: Op): Promise<VerifiedPackage> {
  const { name, version, hash } = spec;
  try {
    const differences = (await verifyPrefix({ prefix, path }, op)) ?? [{ path: INSTALL_MANIFEST, kind: "missing" }];
    return { name, version, hash, prefix, outcome: differences.length > 0 ? "different" : "intact", differences };
  } catch (error) {
    throwIfAborted(op);
    if (error instanceof SpkociError && error.code === "PREFIX_MISSING") {
      return { name, version, hash, prefix, outcome: "different", differences: [{ path: "", kind: "missing" }] };
    }
    const { code, message, hint } = asSpkociError(error);
    return { name, version, hash, prefix, outcome: "failed", differences: [], error: { code, message, hint } };
  }
}
