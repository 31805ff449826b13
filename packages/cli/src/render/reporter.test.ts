import { PassThrough } from "node:stream";
import type { SpkociEvent } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { barReporter, jsonReporter, lineReporter } from "./reporter.js";

const plain = picocolors.createColors(false);
const zlib = { hash: "abcdefghijklmnopqrstuvwxyz234567", package: "zlib@1.3.1" };
const request: SpkociEvent = { type: "request", method: "GET", url: "https://r.example/", status: 200, durationMs: 1 };
const started: SpkociEvent = { type: "package-started", ...zlib };
const warning: SpkociEvent = { type: "warning", message: "odd\u001b[2J" };
const failed: SpkociEvent = { type: "package-failed", ...zlib, code: "NO_SPACE", message: "no space left" };

function collect(): { texts: string[]; write: (text: string) => void } {
  const texts: string[] = [];
  return { texts, write: (text) => texts.push(text) };
}

/** A terminal that keeps what was written to it. */
function fakeTerminal(): { stream: NodeJS.WriteStream; text: () => string } {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

describe("jsonReporter", () => {
  it("writes one document a line, requests only if asked to", () => {
    const sink = collect();
    const reporter = jsonReporter(sink, false);
    for (const event of [request, started, warning]) reporter.emit(event);
    expect(sink.texts.map((line) => JSON.parse(line))).toEqual([started, warning]);
    const verbose = collect();
    jsonReporter(verbose, true).emit(request);
    expect(verbose.texts).toHaveLength(1);
  });
});

describe("lineReporter", () => {
  it("writes plain lines without control characters", () => {
    const sink = collect();
    const reporter = lineReporter(sink, plain, false);
    for (const event of [started, warning, failed]) reporter.emit(event);
    expect(sink.texts).toEqual(["spkoci: warning: odd\\x1b[2J\n", "failed zlib@1.3.1/abcdefg: no space left\n"]);
  });
});

describe("barReporter", () => {
  it("keeps warnings and failures on the screen, clears the bars, and gives the cursor back", async () => {
    const terminal = fakeTerminal();
    const reporter = await barReporter(terminal.stream, plain, false);
    for (const event of [started, warning, failed]) reporter.emit(event);
    reporter.close();
    const shown = terminal.text();
    expect(shown).toContain("spkoci: warning: odd\\x1b[2J\u001b[K\n");
    expect(shown).toContain("failed zlib@1.3.1/abcdefg: no space left\u001b[K\n");
    expect(shown.lastIndexOf("\u001b[?25h")).toBeGreaterThan(shown.lastIndexOf("\u001b[?25l"));
    expect(shown.endsWith("\u001b[0J")).toBe(true);
  });

  it("writes nothing after it was closed", async () => {
    const terminal = fakeTerminal();
    const reporter = await barReporter(terminal.stream, plain, false);
    reporter.close();
    const before = terminal.text();
    reporter.close();
    reporter.emit(started);
    await new Promise((fulfil) => setTimeout(fulfil, 150));
    expect(terminal.text()).toBe(before);
  });
});
