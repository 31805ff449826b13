import type { Op } from "../base/op.js";
import type { RelocationTarget } from "../relocate/prefix-map.js";
import { type RelocationReport, relocatePrefix } from "../relocate/relocate-prefix.js";
import { findRemains } from "../relocate/remains.js";
import type { BuildInfo } from "../spack/build-info.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import type { AliasFolder } from "./alias-folder.js";
import type { InstallOptions } from "./options.js";
import { signerFor } from "./sign.js";

export interface StagedPackage {
  /** Where its files lie, unpacked. */
  readonly folder: string;
  readonly spec: ConcreteSpec;
  readonly info: BuildInfo;
  readonly target: RelocationTarget;
  readonly aliases: AliasFolder;
  readonly options: InstallOptions;
}

/**
 * Relocates an unpacked package, makes the alias links that it got, and warns of what still names old places.
 * @returns paths of files that name the old root and are left as they are
 * @throws SpkociError as `relocatePrefix` and `AliasFolder.makeLinks`
 */
export async function relocateStaged(staged: StagedPackage, op: Op): Promise<readonly string[]> {
  const { folder, spec, info, target, aliases, options } = staged;
  const report = await relocatePrefix(
    {
      folder,
      what: labelOf(spec),
      info,
      target,
      aliasOf: aliases.aliasOf,
      aliasFolder: aliases.folder,
      allowUnrelocatable: options.allowUnrelocatable,
      sign: signerFor(options.env ?? {}),
      platform: spec.arch.platform === "darwin" ? "darwin" : "linux",
    },
    op,
  );
  await aliases.makeLinks(report.aliases);
  const isMoved = info.buildpath !== target.root;
  const remains = isMoved ? await findRemains(folder, info.buildpath, listedIn(info), op.signal) : [];
  warnOfRemains(spec, report, remains, info.buildpath, op);
  return remains;
}

function listedIn(info: BuildInfo): Set<string> {
  return new Set([...info.relocateBinaries, ...info.relocateTextfiles]);
}

/** Tells what still names old places: strings without room, binaries that can't be understood, and files that relocation leaves alone. */
function warnOfRemains(
  spec: ConcreteSpec,
  { unheld, malformed }: RelocationReport,
  remains: readonly string[],
  oldRoot: string,
  op: Op,
): void {
  const lines = [
    ...unheld.map(({ file, string }) => `${file} still names ${JSON.stringify(string)}`),
    ...malformed.map(({ file, reason }) => `${file} keeps its run path: ${reason}`),
  ];
  if (remains.length > 0) {
    const named = remains.slice(0, NAMED_REMAINS).join(", ");
    const more = remains.length > NAMED_REMAINS ? ` and ${remains.length - NAMED_REMAINS} more` : "";
    lines.push(`data files and archives that are left as they are still name ${oldRoot}: ${named}${more}`);
  }
  for (const line of lines) op.emit?.({ type: "warning", message: `${labelOf(spec)}: ${line}` });
}

const NAMED_REMAINS = 3;
