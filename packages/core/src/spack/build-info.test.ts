import { readdir, readFile } from "node:fs/promises";
import { fixturePath } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { type BuildInfo, buildInfoOf, formatBuildInfo, parseBuildInfo } from "./build-info.js";
import { parseDatabase } from "./database.js";
import type { InstallRecord, InstallStore } from "./install-store.js";
import { relocationNeedles } from "./relocation-needles.js";
import { packageTag } from "./tag.js";

const ROOT = "/opt/spack/opt/spack";

async function pythonStore(root = ROOT): Promise<InstallStore> {
  const text = (await readFile(fixturePath("python/store-index.json"), "utf8")).replaceAll(ROOT, root);
  const records = new Map<string, InstallRecord>();
  for (const [hash, { spec, path = "", installed, explicit }] of parseDatabase(text, "db").records) {
    records.set(hash, { spec, prefix: path, path, installed, explicit, external: spec.external !== undefined, root });
  }
  return { root, records };
}

async function realBuildInfos(): Promise<ReadonlyMap<string, string>> {
  const folder = fixturePath("python/build-info");
  const infos = new Map<string, string>();
  for (const file of await readdir(folder)) {
    infos.set(file.replace(/\.yaml$/, ""), await readFile(`${folder}/${file}`, "utf8"));
  }
  return infos;
}

describe("buildInfoOf and formatBuildInfo", () => {
  it("give the bytes that Spack wrote for every package of the real python cache", async () => {
    const store = await pythonStore();
    const infos = await realBuildInfos();
    expect(infos.size).toBe(12);
    for (const record of store.records.values()) {
      if (!record.installed || record.external) continue;
      const text = infos.get(packageTag(record.spec)) ?? "";
      const real = parseBuildInfo(text);
      const info = buildInfoOf(store, record, {
        binaries: real.relocateBinaries,
        textFiles: real.relocateTextfiles,
        links: real.relocateLinks,
      });
      expect(formatBuildInfo(info)).toBe(text);
    }
  });
});

describe("buildInfoOf", () => {
  const none = { binaries: [], textFiles: [], links: [] };
  const infoAt = async (root: string): Promise<BuildInfo> => {
    const store = await pythonStore(root);
    const record = [...store.records.values()].find(({ spec }) => spec.name === "zlib");
    return buildInfoOf(store, record as InstallRecord, none);
  };

  it("has sbang in the root without its padding", async () => {
    const padded = "/data/store/__spack_path_placeholder__/__spack_path_placeholder__/__spack_pa";
    expect(await infoAt(padded)).toMatchObject({
      buildpath: padded,
      sbangInstallPath: "/data/store/bin/sbang",
      spackprefix: "/data/store",
      relativePrefix: "linux-x86_64_v3/zlib-1.2.13-oiessvwinddjkzukpcvi3scg5nepa53c",
    });
  });

  it("takes the checkout from a root in opt/spack", async () => {
    expect((await infoAt("/home/me/spack/opt/spack")).spackprefix).toBe("/home/me/spack");
    expect((await infoAt("/opt/spack")).spackprefix).toBe("/opt/spack");
  });

  it("adds direct run dependencies, but not what these link to", async () => {
    const text = await readFile(fixturePath("small/store-index.json"), "utf8");
    const records = new Map<string, InstallRecord>();
    for (const [hash, { spec, path = "", installed, explicit }] of parseDatabase(text, "db").records) {
      records.set(hash, {
        spec,
        prefix: path,
        path,
        installed,
        explicit,
        external: spec.external !== undefined,
        root: ROOT,
      });
    }
    const plugin = records.get("4mu7dtu6uktdyijb3md6bvri3ciiwdbm") as InstallRecord;
    const { hashToPrefix } = buildInfoOf({ root: ROOT, records }, plugin, none);
    expect([...hashToPrefix.keys()].map((hash) => records.get(hash)?.spec.name)).toEqual([
      "greet-plugin",
      "gcc-runtime",
      "greeter",
    ]);
  });
});

describe("relocationNeedles", () => {
  it("are the prefixes, sbang and the root", async () => {
    const store = await pythonStore();
    const record = [...store.records.values()].find(({ spec }) => spec.name === "zlib") as InstallRecord;
    const info = buildInfoOf(store, record, { binaries: [], textFiles: [], links: [] });
    expect(relocationNeedles(info)).toEqual([
      `${ROOT}/linux-x86_64_v3/zlib-1.2.13-oiessvwinddjkzukpcvi3scg5nepa53c`,
      `${ROOT}/linux-x86_64_v3/gcc-runtime-12.2.0-5tn5zqtif4x6hvlptiv7udvay3fy77gl`,
      `${ROOT}/bin/sbang`,
      ROOT,
    ]);
  });
});

describe("formatBuildInfo", () => {
  const info: BuildInfo = {
    buildpath: "/s",
    hardlinksDeduped: true,
    hashToPrefix: new Map([["1234567", "/s/a: b"]]),
    relativePrefix: "1e5",
    relocateBinaries: [
      "bin/with space",
      "bin/a, b",
      "bin/[x]",
      "#c",
      "yes",
      "0o17",
      "1:30",
      "~",
      "",
      "grüße",
      "a\nb",
      "'q'",
    ],
    relocateLinks: ["x".repeat(300)],
    relocateTextfiles: [],
  };

  it("is one line, from which every string comes back", () => {
    const text = formatBuildInfo(info);
    expect(text.trimEnd().split("\n")).toHaveLength(1);
    expect(parseBuildInfo(text)).toEqual({ ...info, sbangInstallPath: undefined, spackprefix: undefined });
  });

  it("quotes what YAML 1.1 or 1.2 would take for something else than a string", () => {
    const text = formatBuildInfo(info);
    for (const word of ["1234567", "1e5", "yes", "0o17", "1:30", "~"]) {
      expect(text).toMatch(new RegExp(`["']${word}["']`));
    }
  });
});

describe("parseBuildInfo", () => {
  it("reads the block form of 0.2x and prefix_to_hash", () => {
    const text = [
      "buildpath: /s",
      "prefix_to_hash:",
      "  /s/zlib-1: abcdefg",
      "relative_prefix: zlib-1",
      "relocate_binaries:",
      "- lib/libz.so",
      "relocate_links: []",
      "relocate_textfiles:",
      "- lib/pkgconfig/zlib.pc",
      "relative_rpaths: false",
      "spackprefix: /spack",
    ].join("\n");
    expect(parseBuildInfo(text)).toEqual({
      buildpath: "/s",
      hardlinksDeduped: false,
      hashToPrefix: new Map([["abcdefg", "/s/zlib-1"]]),
      relativePrefix: "zlib-1",
      relocateBinaries: ["lib/libz.so"],
      relocateLinks: [],
      relocateTextfiles: ["lib/pkgconfig/zlib.pc"],
      sbangInstallPath: undefined,
      spackprefix: "/spack",
    });
  });

  it.each([
    ["no YAML", "{a: ["],
    ["no mapping", "- a"],
    ["a missing key", "{buildpath: /s}"],
    ["a list of mappings", "{buildpath: /s, relative_prefix: a, relocate_links: [{a: b}]}"],
    ["aliases", "{buildpath: &a /s, relative_prefix: *a}"],
  ])("says DOCUMENT_INVALID for %s", (_, text) => {
    expect(() => parseBuildInfo(text, "the build info")).toThrow(
      expect.objectContaining({ code: "DOCUMENT_INVALID", message: expect.stringContaining("the build info") }),
    );
  });
});
