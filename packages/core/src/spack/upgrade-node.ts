import { RawJson } from "../base/json.js";
import { memberOf, membersOf } from "./lossless-json.js";

/**
 * A node of spec file version 4 in the form of version 5, as Spack 1.x rewrites it: the compiler is no member of its
 * own but an annotation, beside the version that the DAG hash was made under. A node of version 5 is returned as it
 * is.
 */
export function upgradeNode(node: RawJson): RawJson {
  if (memberOf(node.text, "annotations") !== undefined || !node.text.startsWith("{")) return node;
  const kept: string[] = [];
  let hash: string | undefined;
  for (const [key, text] of membersOf(node.text)) {
    if (key === "hash") hash = `"hash":${text}`;
    else if (key !== "compiler") kept.push(`${JSON.stringify(key)}:${text}`);
  }
  const compiler = compilerIn(node);
  const annotation = compiler === undefined ? "" : `,"compiler":${JSON.stringify(compiler)}`;
  kept.push(`"annotations":{"original_specfile_version":4${annotation}}`);
  if (hash !== undefined) kept.push(hash);
  return new RawJson(`{${kept.join(",")}}`);
}

function compilerIn(node: RawJson): string | undefined {
  const text = memberOf(node.text, "compiler");
  const { name, version } = (text === undefined ? {} : (JSON.parse(text) ?? {})) as Record<string, unknown>;
  return typeof name === "string" && typeof version === "string" ? `${name}@=${version}` : undefined;
}
