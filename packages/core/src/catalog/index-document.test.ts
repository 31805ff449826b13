import { readFile } from "node:fs/promises";
import { fixturePath } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { countPackages, EMPTY_INDEX, formatCacheIndex, parseCacheIndex } from "./index-document.js";

const RECORD = '{"spec":{"name":"a","hash":"aaaaaaa"},"ref_count":0,"in_buildcache":true}';

function indexOf(installs: string, version = '"8"'): string {
  return `{"database":{"version":${version},"installs":${installs}}}`;
}

describe("parseCacheIndex", () => {
  it("gives back the real index byte for byte", async () => {
    const blob = "d734b3b69ab1d4961269239dfcffe6128177fd1685818c9b4e1f71a7387ac37e";
    const text = await readFile(fixturePath(`small/cache/blobs/sha256/${blob}`), "utf8");
    const index = parseCacheIndex(text, "index");
    expect(formatCacheIndex(index)).toBe(text);
    expect(index.version).toBe(8);
    expect(countPackages(index)).toBe(5);
    expect(index.installs.get("53zaetjpu7mwvi3vv3n2rag7yc3a4nuh")).toMatchObject({
      inBuildcache: true,
      refCount: 1,
      dependencies: expect.arrayContaining(["vxd7hjtucqhfb2xibbvbaje6fla7ikff"]),
    });
  });

  it("reads versions 5 to 8, as text or number, and with white space", () => {
    for (const version of ['"5"', '"6"', '"7"', "8"]) {
      expect(parseCacheIndex(` ${indexOf("{ }", version)}\n`, "index").installs.size).toBe(0);
    }
  });

  it("finds the edges of the oldest nodes, which are wrapped in their name", () => {
    const text = indexOf('{"aaaaaaa":{"spec":{"x":{"dependencies":{"y":{"hash":"bbbbbbb","type":["link"]}}}}}}', '"5"');
    expect(parseCacheIndex(text, "index").installs.get("aaaaaaa")?.dependencies).toEqual(["bbbbbbb"]);
  });

  it.each([
    ["no JSON", "<html>"],
    ["cut off", indexOf(`{"aaaaaaa":${RECORD}`)],
    ["another document", '{"schemaVersion":2}'],
    ["a bare value", "7"],
    ["no text at all", ""],
    ["a list of installs", indexOf("[]")],
    ["no version", '{"database":{"installs":{}}}'],
    ["an old version", indexOf("{}", '"4"')],
    ["a newer version", indexOf("{}", '"9"')],
    ["a version that is none", indexOf("{}", '"8; x"')],
    ["two records of one hash", indexOf(`{"aaaaaaa":${RECORD},"aaaaaaa":${RECORD}}`)],
    ["two databases", '{"database":{},"database":{"version":"8","installs":{}}}'],
    ["two installs", '{"database":{"version":"8","installs":{},"installs":{}}}'],
    ["a hash that is none", indexOf(`{"__proto__":${RECORD}}`)],
    ["a hash with control characters", indexOf('{"aaaaaaa\\u001b[2J":{}}')],
    ["endless nesting", indexOf(`{"aaaaaaa":${"[".repeat(100_000)}`)],
  ])("refuses %s in one line", (_what, text) => {
    let error: unknown;
    try {
      parseCacheIndex(text, "the index of cache");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: "DOCUMENT_INVALID",
      message: expect.stringMatching(/^the index of cache [ -~]+$/),
    });
  });

  it("keeps a record of unknown form and counts it as not in the cache", () => {
    const text = indexOf('{"aaaaaaa":[1],"bbbbbbb":{"spec":{"name":"b","dependencies":7},"in_buildcache":true}}');
    const index = parseCacheIndex(text, "index");
    expect(countPackages(index)).toBe(0);
    expect(formatCacheIndex(index)).toBe(text);
  });
});

describe("formatCacheIndex", () => {
  it("writes an empty index of the newest version", () => {
    expect(formatCacheIndex(EMPTY_INDEX)).toBe('{"database":{"version":"8","installs":{}}}');
  });
});
