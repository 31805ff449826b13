import type { IndexJson, IndexPlace } from "./layout-index.js";

/** An index.json that is in memory. */
export class IndexInMemory implements IndexPlace {
  readonly path: string;
  #index: IndexJson;

  constructor(path: string, index: IndexJson) {
    this.path = path;
    this.#index = index;
  }

  async read(): Promise<IndexJson> {
    return this.#index;
  }

  async change(edit: (index: IndexJson) => IndexJson): Promise<void> {
    this.#index = edit(this.#index);
  }
}
