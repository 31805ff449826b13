import { RawJson } from "../base/json.js";
import type { IndexEntry } from "./merge-index.js";

/** Entries for an index, one for each DAG hash, that keep nothing else of the documents that they were read from. */
export class NewEntries {
  readonly #entries = new Map<string, IndexEntry>();

  add({ spec, inBuildcache }: IndexEntry): void {
    const known = this.#entries.get(spec.hash);
    if (known !== undefined && (known.inBuildcache || !inBuildcache)) return;
    const { hash, specfileVersion } = spec;
    const dependencies = spec.dependencies.map((edge) => ({ ...edge, name: copy(edge.name), hash: copy(edge.hash) }));
    const node = new RawJson(copy(spec.node.text));
    this.#entries.set(copy(hash), { spec: { hash: copy(hash), node, dependencies, specfileVersion }, inBuildcache });
  }

  list(): IndexEntry[] {
    return [...this.#entries.values()];
  }
}

/** The same text in memory of its own: a part of a longer text may keep all of that alive. */
function copy(text: string): string {
  return Buffer.from(text).toString();
}
