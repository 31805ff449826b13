import type { IndexJson, IndexPlace } from "./layout-index.js";

/** An index.json that is in memory. */
export class IndexInMemory implements IndexPlace {
  readonly path: string;
  #index: IndexJson;
  #changes = 0;

  constructor(path: string, index: IndexJson) {
    this.path = path;
    this.#index = index;
  }

  async state(): Promise<string> {
    return String(this.#changes);
  }

  async read(): Promise<IndexJson> {
    return this.#index;
  }

  async change(edit: (index: IndexJson) => IndexJson): Promise<void> {
    const after = edit(this.#index);
    if (after === this.#index) return;
    this.#index = after;
    this.#changes += 1;
  }
}
