import { posix } from "node:path";
import { SpkociError } from "../base/errors.js";
import type { CachedSpec } from "../catalog/cached-spec.js";
import type { ScannedLayer } from "../layer/scan-layer.js";
import { type BuildInfo, parseBuildInfo } from "../spack/build-info.js";
import { type ConcreteSpec, labelOf } from "../spack/concrete-spec.js";
import { breadthFirst, childrenOf, edgesOfKind } from "../spack/traverse.js";
import type { Report } from "./findings.js";
import { enumerate, quote } from "./quote.js";

/** Checks a package's build info against the archive that it is in and the package's spec (format page, section 4). */
export function judgeContents(scanned: ScannedLayer, spec: CachedSpec, report: Report): void {
  const info = readBuildInfo(scanned, report);
  if (info === undefined) return;
  const wrong = (message: string): void => report("BUILD_INFO_WRONG", message);
  judgePrefix(info, scanned.prefix, spec.root, wrong);
  judgeNamedPackages(info, spec, wrong);
  judgePaths("relocate_binaries", info.relocateBinaries, "file", scanned, wrong);
  judgePaths("relocate_textfiles", info.relocateTextfiles, "file", scanned, wrong);
  judgePaths("relocate_links", info.relocateLinks, "link", scanned, wrong);
}

function readBuildInfo({ buildInfo }: ScannedLayer, report: Report): BuildInfo | undefined {
  if (buildInfo === undefined) {
    report("BUILD_INFO_UNREADABLE", "it is a hard link to another file");
    return undefined;
  }
  try {
    return parseBuildInfo(buildInfo, ".spack/binary_distribution");
  } catch (error) {
    if (!(error instanceof SpkociError)) throw error;
    report("BUILD_INFO_UNREADABLE", error.message);
    return undefined;
  }
}

/** Up to Spack 0.20 tarballs have no more than the last component of the prefix. */
function judgePrefix(info: BuildInfo, prefix: string, root: ConcreteSpec, wrong: (message: string) => void): void {
  const recorded = posix.join(info.buildpath, info.relativePrefix);
  if (prefix !== recorded && prefix !== `/${posix.basename(recorded)}`) {
    wrong(`the archive has the prefix ${quote(prefix)}, but buildpath and relative_prefix say ${quote(recorded)}`);
  }
  const own = info.hashToPrefix.get(root.hash);
  if (own === recorded || (own === undefined && root.buildSpec !== undefined)) return;
  wrong(own === undefined ? "hash_to_prefix lacks the package itself" : `hash_to_prefix says ${quote(own)} for itself`);
}

/** Relocation needs the prefixes of what the package links to, and of what it runs itself. A spliced package may have those it was built with. */
function judgeNamedPackages({ hashToPrefix }: BuildInfo, spec: CachedSpec, wrong: (message: string) => void): void {
  if (spec.root.buildSpec !== undefined) return;
  const resolve = (hash: string, parent: ConcreteSpec): ConcreteSpec => spec.nodes.get(hash) ?? parent;
  const linked = breadthFirst([spec.root], resolve, edgesOfKind("link"));
  const needed = new Set([...linked, ...childrenOf(spec.root, resolve, edgesOfKind("run"))]);
  const missing = [...needed].filter(
    (one) => one !== spec.root && one.external === undefined && !hashToPrefix.has(one.hash),
  );
  if (missing.length > 0) {
    wrong(`hash_to_prefix lacks ${enumerate(missing.map((one) => `${labelOf(one)}/${one.hash}`))}`);
  }
}

function judgePaths(
  key: string,
  paths: readonly string[],
  kind: "file" | "link",
  { kindOf }: ScannedLayer,
  wrong: (message: string) => void,
): void {
  const strangers = paths.filter((path) => kindOf(path) !== kind);
  if (strangers.length > 0) {
    const noun = kind === "file" ? "no files" : "no symbolic links";
    wrong(`${key} names what are ${noun} of the archive: ${enumerate(strangers.map(quote))}`);
  }
}
