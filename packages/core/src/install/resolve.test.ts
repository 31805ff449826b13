import { describe, expect, it } from "vitest";
import { RawJson } from "../base/json.js";
import type { CacheSource } from "../catalog/cache-source.js";
import { addToIndex } from "../catalog/write-index.js";
import { parseLocation } from "../location/parse-location.js";
import type { Host } from "../spack/host.js";
import { parseSpecNode } from "../spack/spec-node.js";
import { MemoryStore } from "../store/memory.js";
import { resolveSpecs } from "./resolve.js";

const host: Host = {
  platform: "linux",
  os: "debian12",
  target: "x86_64_v3",
  family: "x86_64",
  targets: new Set(["x86_64_v3", "x86_64_v2", "x86_64"]),
  processor: { family: "x86_64", vendor: "GenuineIntel", features: new Set(), generation: undefined } as never,
  libc: { name: "glibc", version: "2.36" },
};

const GLIBC = "g".repeat(32);

interface Made {
  readonly hash: string;
  readonly name?: string;
  readonly version?: string;
  readonly os?: string;
  readonly target?: string;
}

function specOf({ hash, name = "tool", version = "1.0", os = "debian12", target = "x86_64_v3" }: Made) {
  const node = {
    name,
    version,
    arch: { platform: "linux", platform_os: os, target },
    namespace: "builtin",
    parameters: {},
    package_hash: "x",
    dependencies: [{ name: "glibc", hash: GLIBC, parameters: { deptypes: ["link"], virtuals: ["libc"] } }],
    annotations: { original_specfile_version: 5 },
    hash,
  };
  const text = JSON.stringify(node);
  return parseSpecNode(node, text, { version: 5, what: "test", code: "SPEC_INVALID" });
}

function glibcOf(version: string) {
  const node = {
    name: "glibc",
    version,
    arch: { platform: "linux", platform_os: "debian12", target: "x86_64_v3" },
    namespace: "builtin",
    parameters: {},
    external: { path: "/usr", module: null, extra_attributes: {} },
    package_hash: "x",
    annotations: { original_specfile_version: 5 },
    hash: GLIBC,
  };
  return parseSpecNode(node, JSON.stringify(node), { version: 5, what: "test", code: "SPEC_INVALID" });
}

async function sourceOf(made: readonly Made[], glibc = "2.36"): Promise<CacheSource> {
  const store = new MemoryStore(`cache of ${made.map(({ hash }) => hash[0]).join("")}`);
  const entries = made.map((one) => ({ spec: specOf(one), inBuildcache: true }));
  await addToIndex(store, [...entries, { spec: glibcOf(glibc), inBuildcache: false }]);
  return { store, location: parseLocation("oci:none"), imageAt: (tag) => `none:${tag}` };
}

const a = "a".repeat(32);
const b = "b".repeat(32);

async function resolved(sources: readonly CacheSource[], text: string): Promise<string> {
  const [spec] = await resolveSpecs(sources, [text], host, {});
  return `${spec?.name}@${spec?.version}/${spec?.hash[0]}`;
}

describe("resolveSpecs", () => {
  it("takes the newest of several versions", async () => {
    const source = await sourceOf([
      { hash: a, version: "1.9" },
      { hash: b, version: "1.10" },
    ]);
    expect(await resolved([source], "tool")).toBe("tool@1.10/b");
    expect(await resolved([source], "tool@1.9")).toBe("tool@1.9/a");
  });

  it("takes the most specific target that runs here, before a newer version", async () => {
    const source = await sourceOf([
      { hash: a, target: "x86_64_v3" },
      { hash: b, target: "x86_64_v2", version: "2.0" },
    ]);
    expect(await resolved([source], "tool")).toBe("tool@1.0/a");
  });

  it("takes this machine's own system before another one's", async () => {
    const source = await sourceOf([{ hash: a, os: "ubuntu22.04", version: "3.0" }, { hash: b }]);
    expect(await resolved([source], "tool")).toBe("tool@1.0/b");
  });

  it("lists a real tie and asks for a hash, which decides", async () => {
    const source = await sourceOf([{ hash: a }, { hash: b }]);
    await expect(resolved([source], "tool")).rejects.toMatchObject({
      code: "AMBIGUOUS_SPEC",
      hint: expect.stringMatching(/tool@1.0\/aaaaaaa linux-debian12-x86_64_v3\n.*tool@1.0\/bbbbbbb/),
    });
    expect(await resolved([source], "/bbb")).toBe("tool@1.0/b");
  });

  it("doesn't choose between packages of different names", async () => {
    const source = await sourceOf([{ hash: a }, { hash: b, name: "other", version: "9" }]);
    await expect(resolved([source], "^glibc")).rejects.toMatchObject({
      code: "AMBIGUOUS_SPEC",
      message: "^glibc matches 2 packages",
    });
  });

  it("says what a package is built for and what this machine is, if none runs here; a hash takes it all the same", async () => {
    const source = await sourceOf([{ hash: a, target: "x86_64_v4" }]);
    await expect(resolved([source], "tool")).rejects.toMatchObject({
      code: "PLATFORM_NOT_FOUND",
      message: expect.stringContaining("it is built for x86_64_v4, and this machine is x86_64_v3"),
    });
    expect(await resolved([source], "/aaa")).toBe("tool@1.0/a");
  });

  it("refuses a package that needs a newer C library", async () => {
    const source = await sourceOf([{ hash: a }], "2.39");
    await expect(resolved([source], "tool")).rejects.toMatchObject({
      code: "PLATFORM_NOT_FOUND",
      message: expect.stringMatching(/glibc 2.39.*glibc 2.36/),
    });
  });

  it("asks the sources in order, and the next one for what the first lacks", async () => {
    const first = await sourceOf([{ hash: a }]);
    const second = await sourceOf([
      { hash: b, version: "9" },
      { hash: "c".repeat(32), name: "other" },
    ]);
    expect(await resolved([first, second], "tool")).toBe("tool@1.0/a");
    expect(await resolved([first, second], "other")).toBe("other@1.0/c");
  });

  it("lists what there is of the name if nothing matches the rest", async () => {
    const sources = [await sourceOf([{ hash: a }]), await sourceOf([{ hash: b, version: "2" }])];
    await expect(resolved(sources, "tool@9")).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      hint: expect.stringMatching(/^There are:\n {2}tool@1\.0\/aaaaaaa \S+\n {2}tool@2\/bbbbbbb \S+$/),
    });
  });

  it("offers the nearest names of all sources", async () => {
    const sources = [await sourceOf([{ hash: a }]), await sourceOf([{ hash: b, name: "tools" }])];
    await expect(resolved(sources, "tol")).rejects.toMatchObject({
      code: "SPEC_NOT_FOUND",
      hint: "Did you mean tool or tools?",
    });
  });

  it("passes over a record that it can't read, with a warning", async () => {
    const source = await sourceOf([{ hash: a }]);
    const broken = { ...specOf({ hash: b }), node: new RawJson('{"name":"tool","broken":true}') };
    await addToIndex(source.store, [{ spec: broken, inBuildcache: true }]);
    const warnings: string[] = [];
    const emit = (event: { type: string; message?: string }): void => {
      if (event.type === "warning") warnings.push(event.message ?? "");
    };
    const [spec] = await resolveSpecs([source], ["tool"], host, { emit });
    expect(spec?.hash).toBe(a);
    expect(warnings).toEqual([expect.stringContaining("passed over")]);
  });
});
