import type { SpkociEvent } from "@spkoci/core";
import { describe, expect, it } from "vitest";
import { formatProgress, Progress } from "./progress.js";

const MIB = 1024 * 1024;
const zlib = { hash: "abcdefghijklmnopqrstuvwxyz234567", package: "zlib@1.3.1" };
const zstd = { hash: "zyxwvutsrqponmlkjihgfedcba765432", package: "zstd@1.5.6" };

function run(...events: [SpkociEvent, number][]): Progress {
  const progress = new Progress();
  for (const [event, now] of events) progress.apply(event, now);
  return progress;
}

describe("formatProgress", () => {
  it("shows the step until there are packages", () => {
    const progress = run([{ type: "step", step: "read-store", message: "reading the store" }, 0]);
    expect(formatProgress(progress, 10, 80, 5)).toEqual(["reading the store"]);
  });

  it("shows how far a step is, until the next one begins", () => {
    const step: SpkociEvent = { type: "step", step: "read", message: "reading" };
    const tags: SpkociEvent = { type: "progress", step: "read", unit: "tags", done: 50, total: 100 };
    expect(formatProgress(run([step, 0], [tags, 1]), 10, 80, 5)).toEqual([
      "reading  [==========          ] 50/100 tags",
    ]);
    const bytes: SpkociEvent = { type: "progress", step: "read", unit: "bytes", done: MIB };
    expect(formatProgress(run([step, 0], [bytes, 1]), 10, 80, 5)).toEqual(["reading  1.0 MiB"]);
    const next: SpkociEvent = { type: "step", step: "write", message: "writing" };
    expect(formatProgress(run([step, 0], [tags, 1], [next, 2]), 10, 80, 5)).toEqual(["writing"]);
  });

  it("shows the whole and each package under way with bytes and rate", () => {
    const progress = run(
      [{ type: "planned", packages: 4, prefixSize: 8 * MIB }, 0],
      [{ type: "package-started", ...zlib }, 0],
      [{ type: "package-started", ...zstd }, 0],
      [{ type: "package-progress", ...zlib, stage: "archive", bytes: 0, total: 4 * MIB }, 0],
      [{ type: "package-progress", ...zlib, stage: "archive", bytes: 2 * MIB, total: 4 * MIB }, 500],
      [{ type: "package-progress", ...zstd, stage: "upload", bytes: 0, total: MIB }, 0],
      [{ type: "package-progress", ...zstd, stage: "upload", bytes: MIB / 4, total: MIB }, 1000],
    );
    expect(formatProgress(progress, 1000, 100, 5)).toEqual([
      "[                    ] 0/4 packages  256 KiB sent  256 KiB/s",
      "  zlib@1.3.1/abcdefg  packing  [==========          ]  2.0 MiB of 4.0 MiB  2.0 MiB/s",
      "  zstd@1.5.6/zyxwvut  sending  [=====               ]  256 KiB of 1.0 MiB  256 KiB/s",
    ]);
  });

  it("counts what is done and what failed, and keeps the bytes of both", () => {
    const progress = run(
      [{ type: "planned", packages: 2, prefixSize: 0 }, 0],
      [{ type: "package-progress", ...zlib, stage: "upload", bytes: MIB, total: MIB }, 0],
      [{ type: "package-finished", ...zlib, outcome: "pushed", durationMs: 5 }, 1],
      [{ type: "package-failed", ...zstd, code: "NO_SPACE", message: "no space left" }, 2],
    );
    expect(formatProgress(progress, 2000, 100, 5)).toEqual([
      "[====================] 2/2 packages  1.0 MiB sent  512 KiB/s  1 failed",
    ]);
  });

  it("does not count bytes twice when an upload begins anew", () => {
    const upload = { type: "package-progress", ...zlib, stage: "upload", total: MIB } as const;
    const progress = run([{ ...upload, bytes: MIB }, 0], [{ ...upload, bytes: 10 }, 1]);
    expect(progress.transferred).toEqual({ bytes: 10, done: "sent" });
  });

  it("shows what is fetched, and what is at work once it was", () => {
    const progress = run(
      [{ type: "planned", packages: 2, prefixSize: 0 }, 0],
      [{ type: "package-progress", ...zlib, stage: "download", bytes: MIB, total: MIB }, 0],
      [{ type: "package-progress", ...zstd, stage: "download", bytes: MIB / 2, total: MIB }, 0],
    );
    expect(formatProgress(progress, 1000, 100, 5)).toEqual([
      "[                    ] 0/2 packages  1.5 MiB fetched  1.5 MiB/s",
      "  zlib@1.3.1/abcdefg  fetched   1.0 MiB",
      "  zstd@1.5.6/zyxwvut  fetching  [==========          ]  512 KiB of 1.0 MiB  512 KiB/s",
    ]);
  });

  it("shows no more packages than there is room for, and never more columns", () => {
    const progress = new Progress();
    for (let index = 0; index < 5; index += 1) {
      progress.apply({ type: "package-started", hash: `hash${index}`, package: `package-${index}@1.0` }, 0);
    }
    const rows = formatProgress(progress, 0, 20, 3);
    expect(rows).toHaveLength(4);
    expect(rows.at(-1)).toBe("  and 3 more");
    expect(Math.max(...rows.map((row) => row.length))).toBe(19);
  });

  it("shows hostile names harmlessly", () => {
    const progress = run([{ type: "package-started", hash: "\u001b]0;x\u0007", package: "a\u001b[2J@1\n" }, 0]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
    expect(formatProgress(progress, 0, 80, 5).join("")).not.toMatch(/[\u0000-\u001f]/);
  });
});
