import { type CacheList, describePackage } from "@spkoci/core";
import { type FoundStyle, formatFound, type Surroundings } from "./found.js";
import type { Screen } from "./screen.js";

/** The packages of a cache for people. Ends with a line break. */
export function formatListed(list: CacheList, style: FoundStyle, screen: Screen): string {
  const packages = list.packages.map(({ spec, fit }) => ({ spec, unfit: fit.ok ? undefined : fit.why }));
  const found = formatFound(packages, style, surroundings(list), screen);
  if (style.format !== undefined) return found;
  const counts = [`${packages.length} ${packages.length === 1 ? "package" : "packages"}`, ...formatOthers(list.others)];
  return `${found}${found === "" ? "" : "\n"}${counts.join("\n")}\n`;
}

/** A line about packages that were left out; none if there are none. */
export function formatOthers(others: number): string[] {
  return others === 0
    ? []
    : [`${others} more for other machines: --all-arch shows ${others === 1 ? "it" : "them"} too`];
}

/** The packages of a cache as the document of `--json`. */
export function listDocument(list: CacheList): object {
  const { source, host, packages, others } = list;
  const { known } = surroundings(list);
  return {
    source,
    host: { platform: host.platform, os: host.os, target: host.target, libc: host.libc },
    packages: packages.map(({ spec, image, fit }) => ({ ...describePackage(spec, known), image, fit })),
    others,
  };
}

function surroundings({ known, hashes }: CacheList): Surroundings {
  return { known: (hash) => known.get(hash), isPresent: (hash) => hashes.has(hash) };
}
