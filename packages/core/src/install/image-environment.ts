import type { CachedSpec } from "../catalog/cached-spec.js";
import { type PrefixMap, planPrefixMaps, type RelocationTarget } from "../relocate/prefix-map.js";
import { relocateText } from "../relocate/text.js";
import type { BuildInfo } from "../spack/build-info.js";
import type { EnvModification } from "../spack/env-modification.js";
import { breadthFirst, edgesOfKind } from "../spack/traverse.js";

/** Variables that are lists even if they have one folder. */
const LIST_NAME = /(PATH|PATHS|DIRS|LIB)$/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be in it
const CONTROL = /[\x00-\x1f\x7f]/;

/**
 * What the variables of a package's image say of the package's run environment, with new prefixes in the place of old ones.
 *
 * Of a list of folders, those in the old store are prepended; another value that names the old store is set. What doesn't name it is set
 * where no base image can have said it, unless it is a path: that is the builder's system.
 */
export function imageEnvironment(
  spec: CachedSpec,
  info: BuildInfo,
  target: RelocationTarget,
): readonly EnvModification[] {
  const oldPaths = [info.buildpath, ...info.hashToPrefix.values()].filter((path) => path !== "");
  const isOld = (text: string): boolean => oldPaths.some((path) => text.includes(path));
  const isOurs = (folder: string): boolean => oldPaths.some((path) => `${folder}/`.startsWith(`${path}/`));
  const { text: map } = planPrefixMaps(info, target);
  const isAlone = !hasBase(spec);
  const modifications: EnvModification[] = [];
  for (const line of spec.env) {
    const equals = line.indexOf("=");
    const name = line.slice(0, Math.max(0, equals));
    const value = line.slice(equals + 1);
    if (!NAME.test(name) || CONTROL.test(value)) continue;
    const folders = value.split(":");
    const arePaths = folders.every((folder) => folder === "" || folder.startsWith("/"));
    if (arePaths && (folders.length > 1 || LIST_NAME.test(name))) {
      const ours = [...new Set(folders.filter(isOurs))].join(":");
      if (ours !== "") modifications.push({ kind: "prepend", name, value: relocated(ours, map) });
    } else if (isOld(value) || (isAlone && !arePaths)) {
      modifications.push({ kind: "set", name, value: relocated(value, map) });
    }
  }
  return modifications;
}

function relocated(value: string, map: PrefixMap): string {
  const bytes = Buffer.from(value);
  return (relocateText(bytes, map) ?? bytes).toString();
}

/** Whether an image has more layers than packages. */
function hasBase({ root, nodes, layerCount }: CachedSpec): boolean {
  const inside = breadthFirst([root], (hash) => nodes.get(hash) ?? { ...root, hash, dependencies: [] }, RUNTIME);
  return layerCount > inside.filter(({ external }) => external === undefined).length;
}

const RUNTIME = edgesOfKind("link", "run");
