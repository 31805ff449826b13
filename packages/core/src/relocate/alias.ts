import { posix } from "node:path";
import type { BuildInfo } from "../spack/build-info.js";
import { KEPT_SUFFIX } from "./binary-strings.js";
import { planPrefixMaps, type RelocationTarget } from "./prefix-map.js";

/** Gives a new prefix a short path that leads to it. */
export type AliasOf = (newPrefix: string, oldPrefix: string) => string;

/**
 * Names links in the folder `dir` for new prefixes. A name is the end of the old prefix: strings that end with the prefix then end
 * as they did, which they must where compilers may have shared them. The links themselves are for the caller to make.
 * @param taken links that are there: path of the link to the prefix it leads to; new ones are added
 */
export function createAliases(dir: string, taken: Map<string, string>): AliasOf {
  const byPrefix = new Map([...taken].map(([link, prefix]) => [prefix, link]));
  return (newPrefix, oldPrefix) => {
    const known = byPrefix.get(newPrefix);
    if (known !== undefined) return known;
    const link = freeName(dir, posix.basename(oldPrefix), taken);
    taken.set(link, newPrefix);
    byPrefix.set(newPrefix, link);
    return link;
  };
}

/**
 * Aliases for every new prefix that a package's relocation may write, and for the new root; their names are taken from now on.
 * @returns by new prefix
 */
export function reserveAliases(info: BuildInfo, target: RelocationTarget, aliasOf: AliasOf): Map<string, string> {
  const mappings = planPrefixMaps(info, target).binary.mappings.map(({ oldPath, newPath }) => [oldPath, newPath]);
  const pairs = [...mappings, [info.buildpath, target.root]].map((pair) => pair.map(String));
  return new Map(pairs.map(([oldPrefix = "", newPrefix = ""]) => [newPrefix, aliasOf(newPrefix, oldPrefix)]));
}

/** Length in bytes of the shortest path that a link in the folder can have. */
export function shortestAlias(dir: string): number {
  return Buffer.byteLength(dir) + 1 + KEPT_SUFFIX;
}

/** As little of the end of `name` as is free; where all of it is taken, with a number before it. */
function freeName(dir: string, name: string, taken: ReadonlyMap<string, string>): string {
  for (let length = Math.min(KEPT_SUFFIX, name.length); length <= name.length; length += 1) {
    const link = posix.join(dir, name.slice(-length));
    if (!taken.has(link)) return link;
  }
  for (let count = 2; ; count += 1) {
    const link = posix.join(dir, `${count}${name}`);
    if (!taken.has(link)) return link;
  }
}
