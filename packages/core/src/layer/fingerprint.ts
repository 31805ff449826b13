import type { BigIntStats } from "node:fs";
import { type Digest, Hasher } from "../base/digest.js";

/**
 * What tells whether a prefix is still what it was, without reading its files: a hash over its listing. For every entry it holds type
 * and path; for a file also mode, size, times of content and of status, inode and device; for a link its target.
 *
 * The time of status (ctime) can't be set, so a file that was replaced or written and given its old time again changes the fingerprint.
 */
export interface Fingerprint {
  readonly digest: Digest;
  /**
   * Every file had been left alone for 2 s when it was listed. A file that was written just then may be written once more within one
   * tick of its file system's clock, and look the same: an unsettled fingerprint is nothing to remember anything by.
   */
  readonly settled: boolean;
}

const SETTLED_NS = 2_000_000_000n;

/** Characters that are hashed together: a call of the hash takes longer than a file's line. */
const HASHED_AT_ONCE = 32 * 1024;

/** Takes a listing, entry after entry, in its order. */
export class FingerprintMaker {
  readonly #hasher = new Hasher();
  readonly #startedNs: bigint;
  #newestNs = 0n;
  /** What is not hashed yet. */
  #text = "";

  /** `started` is when the listing began, ms since 1970. */
  constructor(started: number) {
    this.#startedNs = BigInt(started) * 1_000_000n;
  }

  addFolder(path: string): void {
    this.#add("directory", path);
  }

  addLink(path: string, target: string): void {
    this.#add("symlink", path, target);
  }

  /** Several names of one file are so by their inode. */
  addFile(path: string, { mode, size, mtimeNs, ctimeNs, ino, dev }: BigIntStats): void {
    for (const time of [mtimeNs, ctimeNs]) if (time > this.#newestNs) this.#newestNs = time;
    this.#add("file", path, `${mode}/${size}/${mtimeNs}/${ctimeNs}/${ino}/${dev}`);
  }

  finish(): Fingerprint {
    this.#hash();
    return { digest: this.#hasher.digest(), settled: this.#newestNs + SETTLED_NS <= this.#startedNs };
  }

  /** No name holds a NUL. */
  #add(...fields: readonly string[]): void {
    this.#text += `${fields.join("\0")}\0`;
    if (this.#text.length >= HASHED_AT_ONCE) this.#hash();
  }

  #hash(): void {
    this.#hasher.update(Buffer.from(this.#text));
    this.#text = "";
  }
}
