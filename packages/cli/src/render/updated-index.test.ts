import type { UpdateIndexResult } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatUpdatedIndex } from "./updated-index.js";

const plain = picocolors.createColors(false);
const digest = `sha256:${"0".repeat(64)}` as NonNullable<UpdateIndexResult["index"]>["digest"];

function updated(changes: Partial<UpdateIndexResult>): UpdateIndexResult {
  const { added = [], removed = [], skipped = [] } = changes;
  return {
    source: "oci:cache",
    dryRun: false,
    full: false,
    index: { digest, packages: 3 },
    changed: true,
    added,
    removed,
    skipped,
    totals: {
      tags: 4,
      read: added.length,
      added: added.length,
      removed: removed.length,
      skipped: skipped.length,
      durationMs: 1500,
    },
    ...changes,
  };
}

describe("formatUpdatedIndex", () => {
  it("lists what was skipped, what went and what came, and counts", () => {
    const result = updated({
      added: [{ hash: "aaaaaaa", tag: "a-1-aaaaaaa.spack" }],
      removed: [{ hash: "bbbbbbb", tag: undefined }],
      skipped: [{ tag: "x.spack", code: "SPEC_INVALID", message: "oci:cache:x\u001b[2J.spack ends in no DAG hash" }],
    });
    expect(formatUpdatedIndex(result, plain).split("\n")).toEqual([
      "skipped oci:cache:x\\x1b[2J.spack ends in no DAG hash",
      "- /bbbbbbb",
      "+ a-1-aaaaaaa.spack",
      "index of 3 packages written: 1 added, 1 removed, 1 skipped (1 of 4 read, 1.5 s)",
      "",
    ]);
  });

  it("cuts long lists", () => {
    const added = Array.from({ length: 30 }, (_, at) => ({ hash: `h${at}`, tag: `t${at}` }));
    const lines = formatUpdatedIndex(updated({ added }), plain).split("\n");
    expect(lines).toHaveLength(23);
    expect(lines[20]).toBe("and 10 more");
  });

  it("tells a dry run, an index that is right, and a cache without packages", () => {
    expect(formatUpdatedIndex(updated({ dryRun: true, changed: false }), plain)).toMatch(
      /^index of 3 packages: 0 to be added, 0 to be removed/,
    );
    expect(formatUpdatedIndex(updated({ changed: false }), plain)).toMatch(/^index of 3 packages: 0 added/);
    expect(formatUpdatedIndex(updated({ index: undefined, changed: false }), plain)).toMatch(/^no packages, no index/);
  });
});
