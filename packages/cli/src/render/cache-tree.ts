import type { CacheTree } from "@spkoci/core";
import { formatTree, nodesOf, type TreeStyle } from "./dependency-tree.js";
import { formatOthers } from "./listed.js";
import type { Screen } from "./screen.js";

/** The tree as the document of `--json`. */
export function treeDocument({ source, roots, packages, others }: CacheTree): object {
  return { source, roots, packages, others };
}

/** Packages of a cache with what they depend on, for people: a tree for each, and a line about what the cache lacks. Ends with a line break. */
export function formatCacheTree(tree: CacheTree, style: Omit<TreeStyle, "known">, screen: Screen): string {
  const known: TreeStyle["known"] = (hash) => tree.known.get(hash);
  const nodes = nodesOf(tree);
  const blocks = tree.roots.map((root) => formatTree(nodes, root, { ...style, known }, screen).join("\n"));
  return `${[...blocks, [formatCounts(tree), ...formatOthers(tree.others)].join("\n")].join("\n\n")}\n`;
}

function formatCounts({ packages }: CacheTree): string {
  const count = (state: string): number => packages.filter((one) => one.state === state).length;
  const present = count("present");
  const parts = [`${present} ${present === 1 ? "package" : "packages"} in the cache`];
  if (count("missing") > 0) parts.push(`${count("missing")} not`);
  if (count("external") > 0) parts.push(`${count("external")} external`);
  return parts.join(", ");
}
