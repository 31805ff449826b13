import { adaptiveCalls } from "../base/adaptive-calls.js";
import type { FileCalls } from "../base/file-calls.js";
import type { Op } from "../base/op.js";
import type { EmbeddedSpec } from "../image/image-plan.js";
import type { InstallRecord, InstallStore } from "../spack/install-store.js";
import { readSpec } from "../spack/spec-file.js";

/** Characters of specs that are kept in memory, in all. */
const KEPT_CHARACTERS = 16 * 1024 * 1024;

/** The specs of packages as their images embed them, each read and checked once as long as there is room for it. */
export class PackageSpecs {
  readonly #store: InstallStore;
  /** Nothing else is done while all specs are read. */
  readonly #calls: FileCalls = adaptiveCalls();
  readonly #kept = new Map<string, EmbeddedSpec>();
  #characters = 0;

  constructor(store: InstallStore) {
    this.#store = store;
  }

  /** @throws SpkociError as `readSpec` */
  async read(record: InstallRecord, op: Op): Promise<EmbeddedSpec> {
    const { hash } = record.spec;
    const known = this.#kept.get(hash);
    if (known) return known;
    const { spec: json, version } = await readSpec(this.#store, record, op, this.#calls);
    const spec = { json, version };
    if (this.#characters + json.text.length <= KEPT_CHARACTERS) {
      this.#characters += json.text.length;
      this.#kept.set(hash, spec);
    }
    return spec;
  }
}
