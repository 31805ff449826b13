import { readdir, readFile } from "node:fs/promises";
import { fixturePath } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import type { ConcreteSpec } from "./concrete-spec.js";
import { parseDatabase } from "./database.js";
import { formatSpec } from "./format-spec.js";
import { parseLosslessJson } from "./lossless-json.js";
import { parseSpecNode } from "./spec-node.js";
import { packageTag } from "./tag.js";

const DESCRIPTION = "org.opencontainers.image.description";

function specOf(node: object, version = 5): ConcreteSpec {
  const arch = { platform: "linux", platform_os: "debian12", target: "x86_64_v3" };
  const { value, text } = parseLosslessJson(
    JSON.stringify({ name: "zlib", version: "1.2.13", arch, hash: "a".repeat(32), ...node }),
    "node",
  );
  return parseSpecNode(value, text, { version, what: "node", code: "SPEC_INVALID" });
}

const ARCH = "platform=linux os=debian12 target=x86_64_v3";

async function realDescriptions(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const manifests = fixturePath("python/manifests");
  for (const file of await readdir(manifests)) {
    const manifest = JSON.parse(await readFile(`${manifests}/${file}`, "utf8"));
    found.set(file.replace(/\.json$/, ""), manifest.annotations[DESCRIPTION]);
  }
  const cache = fixturePath("small/cache");
  for (const { digest, annotations } of JSON.parse(await readFile(`${cache}/index.json`, "utf8")).manifests) {
    const manifest = JSON.parse(await readFile(`${cache}/blobs/sha256/${digest.slice(7)}`, "utf8"));
    found.set(annotations["org.opencontainers.image.ref.name"], manifest.annotations?.[DESCRIPTION]);
  }
  return found;
}

describe("formatSpec", () => {
  it("gives the description of every package in the real caches", async () => {
    const descriptions = await realDescriptions();
    let compared = 0;
    for (const database of ["small", "python"]) {
      const text = await readFile(fixturePath(`${database}/store-index.json`), "utf8");
      for (const { spec, installed } of parseDatabase(text, database).records.values()) {
        if (!installed || spec.external) continue;
        expect(formatSpec(spec)).toBe(descriptions.get(packageTag(spec)));
        compared += 1;
      }
    }
    expect(compared).toBe(17);
  });

  it("gives the form of Spack 0.22 for version 4", () => {
    const parameters = {
      build_system: "makefile",
      optimize: true,
      pic: true,
      shared: false,
      patches: ["c".repeat(64)],
    };
    expect(formatSpec(specOf({ compiler: { name: "gcc", version: "12.2.0" }, parameters }, 4))).toBe(
      "zlib@=1.2.13%gcc@=12.2.0+optimize+pic~shared build_system=makefile patches=ccccccc arch=linux-debian12-x86_64_v3",
    );
  });

  it("names several values in order, marked as complete, and patches by their beginning", () => {
    const parameters = { languages: ["fortran", "c", "c++"], none: [], patches: ["b".repeat(64), "a".repeat(64)] };
    expect(formatSpec(specOf({ parameters }))).toBe(
      `zlib@=1.2.13 languages:='c,c++,fortran' none:=* patches:=aaaaaaa,bbbbbbb ${ARCH}`,
    );
    expect(formatSpec(specOf({ parameters: { languages: ["c", "go"] } }, 4))).toContain(
      "zlib@=1.2.13 languages=c,go arch=",
    );
  });

  it("quotes what needs it", () => {
    const parameters = { a: "x y", b: "it's", c: "a/b-c_d.e,f", d: "", e: 'say "it\'s"' };
    expect(formatSpec(specOf({ parameters }))).toBe(
      `zlib@=1.2.13 a='x y' b="it's" c=a/b-c_d.e,f d='' e="say \\"it's\\"" ${ARCH}`,
    );
  });

  it("puts flags before variants, with a space behind them", () => {
    const parameters = { shared: true, cflags: ["-O2", "-g"], ldflags: ["-s"], cxxflags: [] };
    expect(formatSpec(specOf({ parameters }))).toBe(`zlib@=1.2.13 cflags='-O2 -g' ldflags=-s +shared ${ARCH}`);
  });

  it("doubles the sign of what is passed on to dependencies", () => {
    const parameters = { shared: true, debug: false, build_type: "Release", cflags: ["-g"] };
    const propagate = ["shared", "debug", "build_type", "cflags"];
    expect(formatSpec(specOf({ parameters, propagate }))).toBe(
      `zlib@=1.2.13 cflags==-g ~~debug++shared build_type==Release ${ARCH}`,
    );
  });

  it("names versions from git as they are", () => {
    expect(formatSpec(specOf({ version: "git.main=1.0" }))).toBe(`zlib@git.main=1.0 ${ARCH}`);
    expect(formatSpec(specOf({ version: `${"0".repeat(40)}=1.0` }))).toBe(`zlib@${"0".repeat(40)}=1.0 ${ARCH}`);
  });
});
