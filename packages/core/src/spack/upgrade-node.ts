import { formatJson, RawJson } from "../base/json.js";
import type { ConcreteSpec } from "./concrete-spec.js";
import { memberOf, membersOf } from "./lossless-json.js";

/**
 * A node of spec file version 4 in the form of version 5, as Spack 1.x rewrites it: the compiler is no member of its
 * own but an annotation, beside the version that the DAG hash was made under. A node of version 5 is returned as it
 * is.
 */
export function upgradeNode(node: RawJson): RawJson {
  if (memberOf(node.text, "annotations") !== undefined || !node.text.startsWith("{")) return node;
  return rewritten(node, 4, new Map());
}

/** The node of a spec of any version in the form of version 5. Before version 4, edges are written in another way too. */
export function newestNodeOf(spec: ConcreteSpec): RawJson {
  if (spec.specfileVersion >= 4) return upgradeNode(spec.node);
  const edges = spec.dependencies.map(({ name, hash, deptypes, virtuals }) => ({
    name,
    hash,
    parameters: { deptypes, virtuals },
  }));
  const changed = new Map<string, string | undefined>([
    ["dependencies", formatJson(edges)],
    ["hash", JSON.stringify(spec.hash)],
    ["build_hash", undefined],
    ["full_hash", undefined],
  ]);
  return rewritten(spec.node, spec.specfileVersion, changed);
}

/** @param changed members that get another text, or are left out */
function rewritten(node: RawJson, version: number, changed: ReadonlyMap<string, string | undefined>): RawJson {
  const members = new Map<string, string | undefined>([...membersOf(node.text), ...changed]);
  const hash = members.get("hash");
  const compiler = compilerIn(node);
  const annotation = compiler === undefined ? "" : `,"compiler":${JSON.stringify(compiler)}`;
  for (const key of ["hash", "compiler"]) members.delete(key);
  members.set("annotations", `{"original_specfile_version":${version}${annotation}}`);
  members.set("hash", hash);
  const texts = [...members].flatMap(([key, text]) => (text === undefined ? [] : [`${JSON.stringify(key)}:${text}`]));
  return new RawJson(`{${texts.join(",")}}`);
}

function compilerIn(node: RawJson): string | undefined {
  const text = memberOf(node.text, "compiler");
  const { name, version } = (text === undefined ? {} : (JSON.parse(text) ?? {})) as Record<string, unknown>;
  return typeof name === "string" && typeof version === "string" ? `${name}@=${version}` : undefined;
}
