import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../base/atomic-file.js";
import { createLimiter } from "../base/concurrency.js";
import { asStorageError, systemCodeOf } from "../base/errors.js";
import { withFileLock } from "../base/file-lock.js";
import type { Op } from "../base/op.js";
import { EMPTY_INDEX_JSON, formatIndexJson, type IndexJson, type IndexPlace, parseIndexJson } from "./layout-index.js";

/** The `index.json` of a folder, which several processes may change at the same time. */
export class IndexFile implements IndexPlace {
  readonly path: string;
  // Callers of this process queue here, so that they don't contend for the file.
  readonly #queue = createLimiter(1);

  constructor(folder: string) {
    this.path = join(folder, "index.json");
  }

  /** Writes an empty index unless there is one. */
  async create(op?: Op): Promise<void> {
    if ((await this.read()) === undefined) await this.change((index) => index, op);
  }

  async state(): Promise<string> {
    try {
      const { ino, size, mtimeNs, ctimeNs } = await stat(this.path, { bigint: true });
      return [ino, size, mtimeNs, ctimeNs].join(" ");
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return "";
      throw asStorageError(error, `reading ${this.path}`);
    }
  }

  async read(): Promise<IndexJson | undefined> {
    try {
      return parseIndexJson(await readFile(this.path, "utf8"), this.path);
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return undefined;
      throw asStorageError(error, `reading ${this.path}`);
    }
  }

  async change(edit: (index: IndexJson) => IndexJson, op?: Op): Promise<void> {
    await this.whileLocked(async () => {
      const before = await this.read();
      const after = edit(before ?? EMPTY_INDEX_JSON);
      if (after !== before) await writeFileAtomically(this.path, formatIndexJson(after));
    }, op);
  }

  /** Runs a task while nobody else changes the file. */
  async whileLocked(task: () => Promise<void>, op?: Op): Promise<void> {
    await this.#queue(() => withFileLock(`${this.path}.lock`, task, op));
  }
}
