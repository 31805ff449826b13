import type { InstallRecord } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { findDocument, formatFound } from "./found.js";

const plain = picocolors.createColors(false);

function record(name: string, version: string, hash: string, target = "x86_64_v3"): InstallRecord {
  const arch = { platform: "linux", os: "debian12", target, family: "x86_64" };
  const spec = { name, version, hash: hash.padEnd(32, "a"), arch } as unknown as InstallRecord["spec"];
  const prefix = `/root/${name}`;
  return { spec, prefix, path: prefix, installed: true, explicit: true, external: false, root: "/root" };
}

const records = [
  record("zlib", "1.3.1", "zzzzzzzz"),
  record("zlib", "1.2", "yyyyyyyy"),
  record("bzip2\u001b[2J", "1.0", "bbbbbbbb"),
  record("curl", "8", "cccccccc", "zen2"),
];

describe("formatFound", () => {
  it("lists packages by architecture, name and version, and counts them", () => {
    expect(formatFound(records, false, plain).split("\n")).toEqual([
      "-- linux-debian12-x86_64_v3 --",
      "bzip2\\x1b[2J@1.0",
      "zlib@1.2",
      "zlib@1.3.1",
      "",
      "-- linux-debian12-zen2 --",
      "curl@8",
      "",
      "4 installed packages",
      "",
    ]);
  });

  it("puts the beginning of the hash in front if asked to", () => {
    expect(formatFound([record("zlib", "1.3.1", "abcdefgh")], true, plain)).toContain("\nabcdefg zlib@1.3.1\n");
  });

  it("says that there is nothing in a new store", () => {
    expect(formatFound([], false, plain)).toBe("0 installed packages\n");
  });
});

describe("findDocument", () => {
  it("has the whole hash and the prefix of each package", () => {
    expect(findDocument("/root", [record("zlib", "1.3.1", "abcdefgh")])).toEqual({
      root: "/root",
      packages: [
        {
          name: "zlib",
          version: "1.3.1",
          hash: "abcdefgh".padEnd(32, "a"),
          arch: { platform: "linux", os: "debian12", target: "x86_64_v3" },
          prefix: "/root/zlib",
          explicit: true,
        },
      ],
    });
  });
});
