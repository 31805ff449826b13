import type { CacheReport, Dependency, ReportedPackage } from "@spkoci/core";
import { cleanText } from "../render/clean-text.js";
import type { PageData, PagePackage } from "./page/page-data.js";

/** A report in the short form that its page has in it. */
export function pageDataOf(report: CacheReport, queries: readonly string[], program: string): PageData {
  const positions = new Map(report.packages.map(({ hash }, at) => [hash, at]));
  const architectures = architecturesOf(report.packages);
  return {
    source: cleanText(report.source),
    program,
    queries: queries.map(cleanText),
    architectures,
    packages: report.packages.map((one) => pagePackageOf(one, positions, architectures)),
    layers: report.layers.map(({ digest, size, package: owner }) => ({
      digest,
      size,
      package: owner === undefined ? null : (positions.get(owner) ?? null),
    })),
    broken: report.broken.map(({ image, message }) => ({ image: cleanText(image), message: cleanText(message) })),
  };
}

function pagePackageOf(
  one: ReportedPackage,
  positions: ReadonlyMap<string, number>,
  architectures: readonly string[],
): PagePackage {
  return {
    name: cleanText(one.name),
    version: cleanText(one.version),
    hash: one.hash,
    spec: cleanText(one.spec),
    image: cleanText(one.image),
    digest: one.digest,
    architecture: architectures.indexOf(architectureOf(one)),
    layers: one.layers,
    documents: one.documentSize,
    created: one.created === undefined ? null : Date.parse(one.created),
    ...edgesOf(one.dependencies, positions),
  };
}

function edgesOf(
  dependencies: readonly Dependency[],
  positions: ReadonlyMap<string, number>,
): Pick<PagePackage, "runs" | "builds" | "lacks"> {
  const runs = new Set<number>();
  const builds = new Set<number>();
  const lacks: string[] = [];
  for (const { name, hash, deptypes } of dependencies) {
    const at = positions.get(hash);
    const isRun = deptypes.includes("link") || deptypes.includes("run");
    if (at === undefined) lacks.push(cleanText(`${name}/${hash.slice(0, 7)}${isRun ? "" : " (build)"}`));
    else (isRun ? runs : builds).add(at);
  }
  return { runs: [...runs], builds: [...builds].filter((at) => !runs.has(at)), lacks };
}

/** The architecture with the most packages first. */
function architecturesOf(packages: readonly ReportedPackage[]): string[] {
  const counts = new Map<string, number>();
  for (const one of packages) counts.set(architectureOf(one), (counts.get(architectureOf(one)) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([name]) => name);
}

function architectureOf({ arch }: ReportedPackage): string {
  return cleanText(`${arch.platform}-${arch.os}-${arch.target}`);
}
