import type { SpkociEvent } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { formatEventLine } from "./event-line.js";
import { Progress } from "./progress.js";

const plain = picocolors.createColors(false);
const zlib = { hash: "abcdefghijklmnopqrstuvwxyz234567", package: "zlib@1.3.1" };

function lines(events: readonly SpkociEvent[], verbose = false): string[] {
  const progress = new Progress();
  return events.flatMap((event) => {
    const line = formatEventLine(event, progress, plain, verbose);
    progress.apply(event, 0);
    return line === undefined ? [] : [line];
  });
}

describe("formatEventLine", () => {
  it("writes one line for each package, with its place, outcome, bytes and time", () => {
    const events: SpkociEvent[] = [
      { type: "planned", packages: 2, prefixSize: 2048 },
      { type: "package-started", ...zlib },
      { type: "package-progress", ...zlib, stage: "archive", bytes: 9, total: 9 },
      { type: "package-progress", ...zlib, stage: "upload", bytes: 1536, total: 1536 },
      { type: "package-finished", ...zlib, outcome: "pushed", durationMs: 1234 },
      { type: "package-finished", hash: "zyxwvutsrq", package: "zstd@1.5.6", outcome: "skipped", durationMs: 12 },
    ];
    expect(lines(events)).toEqual([
      "2 packages, 2.0 KiB to read",
      "[1/2] pushed zlib@1.3.1/abcdefg (1.5 KiB sent, 1.2 s)",
      "[2/2] skipped zstd@1.5.6/zyxwvut (0.0 s)",
    ]);
  });

  it("says what was fetched", () => {
    const events: SpkociEvent[] = [
      { type: "planned", packages: 1, prefixSize: 0 },
      { type: "package-progress", ...zlib, stage: "download", bytes: 1536, total: 1536 },
      { type: "package-finished", ...zlib, outcome: "installed", durationMs: 1234 },
    ];
    expect(lines(events)).toEqual(["1 package", "[1/1] installed zlib@1.3.1/abcdefg (1.5 KiB fetched, 1.2 s)"]);
  });

  it("writes failures with their message, and warnings with their hint", () => {
    const events: SpkociEvent[] = [
      { type: "package-failed", ...zlib, code: "FILE_UNREADABLE", message: "can't read a\u001b[2J", hint: "chmod" },
      { type: "warning", message: "odd", hint: "Look at it:\n  here" },
    ];
    expect(lines(events)).toEqual([
      "failed zlib@1.3.1/abcdefg: can't read a\\x1b[2J",
      "spkoci: warning: odd\nhint: Look at it:\n  here",
    ]);
  });

  it("writes requests, retries and starts only for those who want every detail", () => {
    const events: SpkociEvent[] = [
      { type: "package-started", ...zlib },
      { type: "request", method: "HEAD", url: "https://r.example/v2/", status: 200, durationMs: 12.4 },
      { type: "retry", what: "HEAD https://r.example/v2/", attempt: 2, delayMs: 500, reason: "503" },
      { type: "retry", what: "x", attempt: 1, delayMs: 500, reason: "429", retries: { used: 7, allowed: 101 } },
      { type: "pace", registry: "r.example", atOnce: 4, reason: "429" },
    ];
    expect(lines(events)).toEqual([]);
    expect(lines(events, true)).toEqual([
      "started zlib@1.3.1/abcdefg",
      "HEAD https://r.example/v2/ 200 (12 ms)",
      "again in 0.5 s: HEAD https://r.example/v2/: 503 (try 2)",
      "again in 0.5 s: x: 429 (try 1; 7 of 101 retries used)",
      "r.example: 4 at once from now on (429)",
    ]);
  });
});
