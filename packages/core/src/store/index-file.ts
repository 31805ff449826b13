import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../base/atomic-file.js";
import { createLimiter, unlessAborted } from "../base/concurrency.js";
import { asStorageError, systemCodeOf } from "../base/errors.js";
import { withFileLock } from "../base/file-lock.js";
import { type Op, throwIfAborted } from "../base/op.js";
import { EMPTY_INDEX_JSON, formatIndexJson, type IndexJson, type IndexPlace, parseIndexJson } from "./layout-index.js";

/** The `index.json` of a folder, which several processes may change at the same time. */
export class IndexFile implements IndexPlace {
  readonly path: string;
  // Callers of this process queue here, so that they don't contend for the file.
  readonly #queue = createLimiter(1);
  /** Changes that wait for the one under way. They are written together then. */
  #waiting: Change[] = [];
  /** What was read or written last, and the state of the file then. */
  #known: { readonly state: string; readonly index: IndexJson } | undefined;

  constructor(folder: string) {
    this.path = join(folder, "index.json");
  }

  /** Writes an empty index unless there is one. */
  async create(op?: Op): Promise<void> {
    if ((await this.read()) === undefined) await this.change((index) => index, op);
  }

  async read(): Promise<IndexJson | undefined> {
    try {
      const state = await this.#state();
      if (this.#known?.state === state) return this.#known.index;
      const index = parseIndexJson(await readFile(this.path, "utf8"), this.path);
      // A file that was replaced meanwhile is read again by the next caller.
      this.#known = { state, index };
      return index;
    } catch (error) {
      if (systemCodeOf(error) === "ENOENT") return undefined;
      throw asStorageError(error, `reading ${this.path}`);
    }
  }

  async change(edit: (index: IndexJson) => IndexJson, op?: Op): Promise<void> {
    throwIfAborted(op);
    const change = new Change(edit);
    this.#waiting.push(change);
    if (this.#waiting.length === 1) void this.#queue(() => this.#applyWaiting());
    await unlessAborted(change.done, op?.signal);
  }

  /** Never rejects. */
  async #applyWaiting(): Promise<void> {
    const changes = this.#waiting;
    this.#waiting = [];
    try {
      await withFileLock(`${this.path}.lock`, () => this.#apply(changes));
      for (const { resolve } of changes) resolve();
    } catch (error) {
      for (const { reject } of changes) reject(error);
    }
  }

  /** One that can't be done doesn't keep the others from it. */
  async #apply(changes: readonly Change[]): Promise<void> {
    const before = await this.read();
    let after = before ?? EMPTY_INDEX_JSON;
    for (const { edit, reject } of changes) {
      try {
        after = edit(after);
      } catch (error) {
        reject(error);
      }
    }
    if (after === before) return;
    await writeFileAtomically(this.path, formatIndexJson(after));
    this.#known = { state: await this.#state(), index: after };
  }

  /** Changes whenever the file is replaced. */
  async #state(): Promise<string> {
    const { ino, size, mtimeNs, ctimeNs } = await stat(this.path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(" ");
  }

  /** Runs a task while nobody else changes the file. */
  async whileLocked(task: () => Promise<void>, op?: Op): Promise<void> {
    await this.#queue(() => withFileLock(`${this.path}.lock`, task, op));
  }
}

/** A change that was asked for. */
class Change {
  readonly edit: (index: IndexJson) => IndexJson;
  readonly done: Promise<void>;
  resolve: () => void = () => {};
  reject: (error: unknown) => void = () => {};

  constructor(edit: (index: IndexJson) => IndexJson) {
    this.edit = edit;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Its caller may have stopped waiting.
    this.done.catch(() => {});
  }
}
