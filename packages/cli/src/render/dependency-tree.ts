import type { ConcreteSpec, DependencyTree, TreeNode } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import { paint } from "./colors.js";
import { type PackageStyle, packageCell, unknownPackageCell } from "./package-cell.js";
import type { Screen } from "./screen.js";

export interface TreeStyle extends PackageStyle {
  /** Words for a package that is not there. */
  readonly missing: string;
  /** Show of which kind each edge is. */
  readonly kinds: boolean;
  /** Finds a package by its DAG hash. */
  readonly known: (hash: string) => ConcreteSpec | undefined;
}

const UNICODE = { branch: "├─ ", last: "└─ ", through: "│  ", none: "   " };
const ASCII = { branch: "|-- ", last: "`-- ", through: "|   ", none: "    " };

/** Levels that are shown; real packages have far fewer. */
const DEPTH_LIMIT = 64;

/** One line that is still to come. */
interface Entry {
  readonly hash: string;
  readonly kinds: readonly string[];
  /** What stands in front of the line, and of the lines below it. */
  readonly front: string;
  readonly below: string;
  readonly depth: number;
}

/** Packages by their DAG hash. */
export type TreeNodes = ReadonlyMap<string, TreeNode>;

export function nodesOf({ packages }: DependencyTree): TreeNodes {
  return new Map(packages.map((node) => [node.hash, node]));
}

/** A root and its dependencies, a line each. What a package depends on is shown where the package comes first. */
export function formatTree(nodes: TreeNodes, root: string, style: TreeStyle, screen: Screen): string[] {
  const lines = screen.unicode ? UNICODE : ASCII;
  const seen = new Set<string>();
  const output: string[] = [];
  const stack: Entry[] = [{ hash: root, kinds: [], front: "", below: "", depth: 0 }];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { hash, below, depth } = entry;
    const node = nodes.get(hash);
    if (node === undefined) continue;
    const hidden =
      node.dependencies.length === 0 ? "" : seen.has(hash) ? "(see above)" : depth >= DEPTH_LIMIT ? "(and more)" : "";
    output.push(formatLine(entry, node, hidden, style, screen));
    const children = hidden === "" ? node.dependencies : [];
    seen.add(hash);
    for (const [at, child] of [...children.entries()].reverse()) {
      const isLast = at === children.length - 1;
      stack.push({
        hash: child.hash,
        kinds: child.deptypes,
        front: below + (isLast ? lines.last : lines.branch),
        below: below + (isLast ? lines.none : lines.through),
        depth: depth + 1,
      });
    }
  }
  return output;
}

function formatLine(entry: Entry, node: TreeNode, hidden: string, style: TreeStyle, { colors }: Screen): string {
  const spec = style.known(node.hash);
  const cell =
    spec === undefined ? unknownPackageCell(node.name, node.hash, style, colors) : packageCell(spec, style, colors);
  const kinds = style.kinds && entry.kinds.length > 0 ? cleanText(`(${entry.kinds.join(", ")})`) : "";
  const dim = [node.state === "external" ? "[external]" : "", kinds, hidden].filter((note) => note !== "").join(" ");
  const notes = [node.state === "missing" ? colors.yellow(`[${style.missing}]`) : "", paint(colors.dim, dim)];
  return [`${paint(colors.dim, entry.front)}${cell.shown}`, ...notes.filter((note) => note !== "")].join(" ");
}
