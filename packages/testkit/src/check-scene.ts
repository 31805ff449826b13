import { join } from "node:path";
import {
  type CheckLevel,
  type CheckOptions,
  type CheckResult,
  check,
  FINDING_CODES,
  type Finding,
  type FindingCode,
  type SpkociEvent,
} from "@spkoci/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CacheEditor, SMALL_HASHES, SMALL_TAGS } from "./cache-editor.js";
import { createTemporaryFolder, type TemporaryFolder } from "./temporary-folder.js";

/** A copy of Spack's cache of five packages, new for each test, which can be damaged and checked. */
export class CheckScene {
  #folder: TemporaryFolder | undefined;
  #cache: CacheEditor | undefined;

  constructor() {
    beforeEach(async () => {
      this.#folder = await createTemporaryFolder();
      this.#cache = await CacheEditor.create(join(this.#folder.path, "cache"));
    });
    afterEach(async () => {
      await this.#folder?.remove();
    });
  }

  get cache(): CacheEditor {
    if (this.#cache === undefined) throw new Error("the cache is made for each test");
    return this.#cache;
  }

  readonly run = (
    level: CheckLevel | undefined,
    more: Partial<CheckOptions> = {},
    emit?: (event: SpkociEvent) => void,
  ): Promise<CheckResult> => check({ source: `oci:${this.cache.folder}`, level, ...more }, { emit });
}

/** The codes of all findings, in their order. */
export function codesOf({ findings }: CheckResult): FindingCode[] {
  return findings.map(({ code }) => code);
}

/** Something that can be wrong with a cache, and what a check says of it. */
export interface FaultCase {
  readonly code: FindingCode;
  readonly what: string;
  readonly damage: () => Promise<void>;
  /** What the finding says, beside its code and severity. */
  readonly finding: Partial<Finding> | object;
  /** Codes of what else is found by that. */
  readonly others?: readonly FindingCode[];
}

/** A finding about the image of a package. */
export function about(name: keyof typeof SMALL_TAGS): Partial<Finding> {
  return { tag: SMALL_TAGS[name], hash: SMALL_HASHES[name] };
}

/** A finding with such a message. */
export function says(pattern: RegExp): { readonly message: unknown } {
  return { message: expect.stringMatching(pattern) };
}

const LEVEL_BEFORE = { index: "index", manifests: "index", blobs: "manifests", contents: "blobs" } as const;

/** Tests that a check finds each of these faults at its level and not before, and that they are all that those levels find. */
export function describeFindings(scene: CheckScene, levels: readonly CheckLevel[], cases: readonly FaultCase[]): void {
  describe(`check finds at the levels ${levels.join(", ")}`, () => {
    it.each(cases)("$what: $code", async ({ code, damage, finding, others = [] }) => {
      await damage();
      const result = await scene.run("contents");
      const [severity, level] = FINDING_CODES[code];
      expect(result.findings).toContainEqual(expect.objectContaining({ code, severity, ...finding }));
      expect(codesOf(result)).toEqual([code, ...others].toSorted());
      expect(codesOf(await scene.run(LEVEL_BEFORE[level]))).not.toContain(level === "index" ? undefined : code);
    });

    it("every kind of finding in one of these tests", () => {
      const kinds = Object.entries(FINDING_CODES).filter(([, [, level]]) => levels.includes(level));
      expect([...new Set(cases.map(({ code }) => code))].sort()).toEqual(kinds.map(([code]) => code).sort());
    });
  });
}
