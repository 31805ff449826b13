import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import { collect } from "../base/streams.js";
import { parseImageConfig } from "../oci/image-config.js";
import { parseManifest } from "../oci/manifest.js";
import { openLayout } from "../store/layout.js";
import type { PushOptions } from "./options.js";
import { planPush, push } from "./push.js";

const fixture = fileURLToPath(new URL("../../../../fixtures/small/store.tar.gz", import.meta.url));
const ROOT = "/opt/spack/opt/spack";
const GREETER = "greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";
const LIBGREET = "libgreet-1.0-vxd7hjtucqhfb2xibbvbaje6fla7ikff";

let pristine: string;
let folder: string;
let sysroot: string;

beforeAll(async () => {
  pristine = await mkdtemp(join(tmpdir(), "spkoci-push-store-"));
  execFileSync("tar", ["-xzf", fixture, "-C", pristine]);
});
afterAll(() => rm(pristine, { recursive: true, force: true }));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-push-"));
  sysroot = join(folder, "root");
  await cp(pristine, sysroot, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function options(changes: Partial<PushOptions> = {}): PushOptions {
  return {
    store: ROOT,
    sysroot,
    specs: ["greeter"],
    target: `oci:${join(folder, "cache")}`,
    cacheDir: join(folder, "spool"),
    runEnv: "prefix",
    ...changes,
  };
}

const prefixOf = (name: string): string => join(sysroot, ROOT, "linux-x86_64_v3", name);

async function imageOf(tag: string) {
  const store = await openLayout(join(folder, "cache"));
  const document = await store.read(tag);
  if (!document) throw new Error(`no ${tag}`);
  const manifest = parseManifest(document, tag);
  const config = parseImageConfig(await collect(await store.open(manifest.config), 1 << 20, "config"), "config");
  return { digest: document.descriptor.digest, manifest, config };
}

async function tags(): Promise<string[]> {
  const found: string[] = [];
  for await (const tag of (await openLayout(join(folder, "cache"))).tags()) found.push(tag);
  return found.sort();
}

const outcomes = (result: Awaited<ReturnType<typeof push>>): string[] =>
  result.packages.map(({ name, outcome }) => `${name} ${outcome}`);

describe("push", () => {
  it("writes an image for the package and each dependency, and the index", async () => {
    const result = await push(options());
    expect(outcomes(result)).toEqual(["gcc-runtime pushed", "libgreet pushed", "greeter pushed"]);
    expect(await tags()).toEqual([
      "gcc-runtime-12.2.0-hlzfjje6cptdvgrmwxpayogeilh4pj5e.spack",
      `${GREETER}.spack`,
      "index.spack",
      `${LIBGREET}.spack`,
    ]);
    const { manifest, config } = await imageOf(`${GREETER}.spack`);
    expect(manifest.layers).toHaveLength(3);
    expect(config.rootfs.diff_ids).toHaveLength(3);
    expect(config.config?.Env?.[0]).toContain(`${ROOT}/linux-x86_64_v3/${GREETER}/bin:`);
    expect(result.index?.packages).toBe(3);
    expect(await readdir(join(folder, "spool", "spool"))).toEqual([]);
  });

  it("a second push sends nothing and takes no tarball", async () => {
    const first = await push(options());
    const events: SpkociEvent[] = [];
    const second = await push(options(), { emit: (event) => events.push(event) });
    expect(outcomes(second)).toEqual(["gcc-runtime skipped", "libgreet skipped", "greeter skipped"]);
    expect(second.totals.bytesSent).toBe(0);
    expect(events.filter(({ type }) => type === "package-progress")).toEqual([]);
    expect(second.packages.map(({ digest }) => digest)).toEqual(first.packages.map(({ digest }) => digest));
    expect(second.index).toEqual(first.index);
  });

  it("gives the same manifests from two copies of the store", async () => {
    const first = await push(options());
    const copy = join(folder, "copy");
    await cp(sysroot, copy, { recursive: true, verbatimSymlinks: true });
    const second = await push(options({ sysroot: copy, target: `oci:${join(folder, "other")}` }));
    expect(second.packages.map(({ digest }) => digest)).toEqual(first.packages.map(({ digest }) => digest));
    expect(second.index?.digest).toBe(first.index?.digest);
  });

  it("writes a new manifest without a tarball when only the settings differ", async () => {
    await push(options());
    const events: SpkociEvent[] = [];
    const changed = options({ image: { labels: { team: "hpc" } } });
    const result = await push(changed, { emit: (event) => events.push(event) });
    expect(outcomes(result)).toEqual(["gcc-runtime rewritten", "libgreet rewritten", "greeter rewritten"]);
    expect(events.some((event) => event.type === "package-progress" && event.stage === "archive")).toBe(false);
    expect((await imageOf(`${GREETER}.spack`)).config.config?.Labels).toEqual({ team: "hpc" });
  });

  it("leaves images alone when only SOURCE_DATE_EPOCH differs", async () => {
    await push(options({ sourceDateEpoch: 1_700_000_000 }));
    const second = await push(options({ sourceDateEpoch: 1_800_000_000 }));
    expect(outcomes(second)).toEqual(["gcc-runtime skipped", "libgreet skipped", "greeter skipped"]);
  });

  it("takes dependencies' layers from the cache when only the package is pushed", async () => {
    await push(options());
    const cached = (await imageOf(`${GREETER}.spack`)).digest;
    const again = await push(options({ only: "package", force: true }));
    expect(outcomes(again)).toEqual(["greeter pushed"]);
    expect((await imageOf(`${GREETER}.spack`)).digest).toBe(cached);
  });

  it("leaves out and names dependencies that neither the push nor the cache has", async () => {
    const events: SpkociEvent[] = [];
    await push(options({ only: "package" }), { emit: (event) => events.push(event) });
    expect((await imageOf(`${GREETER}.spack`)).manifest.layers).toHaveLength(1);
    const warnings = events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
    expect(warnings).toEqual([expect.stringMatching(/greeter@2.1 lacks gcc-runtime@12.2.0, libgreet@1.0/)]);
  });

  it("lists a package whose spec was tampered with, stops what needs it, and names neither in the index", async () => {
    const path = join(prefixOf(LIBGREET), ".spack", "spec.json");
    await writeFile(
      path,
      (await readFile(path, "utf8"))
        .replace('"debug": false', '"debug": true')
        .replace('"debug":false', '"debug":true'),
    );
    const result = await push(options());
    expect(outcomes(result)).toEqual(["gcc-runtime pushed", "libgreet failed", "greeter failed"]);
    expect(result.packages[1]?.error).toMatchObject({
      code: "DAG_HASH_MISMATCH",
      message: expect.stringContaining("libgreet"),
    });
    expect(result.packages[2]?.error?.code).toBe("DEPENDENCY_FAILED");
    expect(await tags()).toEqual(["gcc-runtime-12.2.0-hlzfjje6cptdvgrmwxpayogeilh4pj5e.spack", "index.spack"]);
    expect(result.index?.packages).toBe(1);
  });

  it("fails a package whose prefix is gone and continues with the others", async () => {
    await rm(prefixOf(GREETER), { recursive: true });
    const result = await push(options());
    expect(outcomes(result)).toEqual(["gcc-runtime pushed", "libgreet pushed", "greeter failed"]);
    expect(result.packages[2]?.error?.code).toBe("PREFIX_MISSING");
    expect(result.totals.failed).toBe(1);
  });

  it("with failFast stops at the first failure", async () => {
    await rm(join(prefixOf("gcc-runtime-12.2.0-hlzfjje6cptdvgrmwxpayogeilh4pj5e")), { recursive: true });
    const result = await push(options({ failFast: true }));
    expect(result.totals).toMatchObject({ pushed: 0, failed: 3 });
    expect(await tags()).toEqual([]);
  });

  it("stops cleanly when it is aborted and completes on the next run", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    const emit = (event: SpkociEvent): void => {
      if (event.type === "package-progress") stop.abort(reason);
    };
    await expect(push(options(), { signal: stop.signal, emit })).rejects.toBe(reason);
    expect(await tags()).not.toContain("index.spack");
    expect(await readdir(join(folder, "spool", "spool"))).toEqual([]);
    expect((await push(options())).totals.failed).toBe(0);
  });

  it("writes one more image over all chosen packages", async () => {
    const result = await push(options({ specs: ["greeter", "greet-plugin"], tag: "greetings" }));
    expect(result.image?.image).toBe(`oci:${join(folder, "cache")}:greetings`);
    const { manifest, config } = await imageOf("greetings");
    expect(manifest.layers).toHaveLength(4);
    expect(config.config?.Env?.[0]).toMatch(/greet-plugin[^:]*\/bin:.*greeter[^:]*\/bin:/);
    expect(config.spec).toBeUndefined();
  });

  it("refuses a tag that only packages may have", async () => {
    await expect(push(options({ tag: "all.spack" }))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(push(options({ tag: "index.spack" }))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("makes no folder where the base image isn't there", async () => {
    const baseImage = `oci:${join(folder, "base")}`;
    await expect(push(options({ baseImage }))).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
    expect(await readdir(folder)).not.toContain("cache");
  });

  it("makes no target where the cache folder can't be used", async () => {
    await writeFile(join(folder, "spool"), "");
    const error = { code: "STORAGE_FAILED", hint: "Choose another folder with --cache-dir." };
    await expect(push(options())).rejects.toMatchObject(error);
    expect((await readdir(folder)).sort()).toEqual(["root", "spool"]);
  });

  it("leaves the index alone when told", async () => {
    expect((await push(options({ updateIndex: false }))).index).toBeUndefined();
    expect(await tags()).not.toContain("index.spack");
  });

  it("adds to what the index has", async () => {
    await push(options({ specs: ["libgreet"] }));
    const result = await push(options({ specs: ["greet-build-tool"] }));
    expect(result.index?.packages).toBe(3);
  });
});

describe("the run environment of a push", () => {
  /** A `spack` that knows greeter's variables and counts how often it is asked. */
  async function fakeSpack(): Promise<{ spack: string; asked: () => Promise<number> }> {
    const spack = join(folder, "bin", "spack");
    const log = join(folder, "asked");
    await mkdir(join(folder, "bin"));
    const exported = `export GREETER_HOME='it'"'"'s here';`;
    await writeFile(spack, `#!/bin/sh\necho asked >> '${log}'\ncat <<'END'\n${exported}\nEND\n`, { mode: 0o755 });
    const asked = async () => (await readFile(log, "utf8").catch(() => "")).split("asked").length - 1;
    return { spack, asked };
  }

  const envOf = async (tag: string) => (await imageOf(tag)).config.config?.Env ?? [];

  it("has what the recipes set, which spack tells, and asks for each package once", async () => {
    const { spack, asked } = await fakeSpack();
    const withSpack = options({ runEnv: "spack", spack, env: { PATH: process.env.PATH } });
    await push(withSpack);
    expect(await envOf(`${GREETER}.spack`)).toContain("GREETER_HOME=it's here");
    expect(await asked()).toBe(3);
    expect(outcomes(await push(withSpack))).toEqual(["gcc-runtime skipped", "libgreet skipped", "greeter skipped"]);
    expect(await asked()).toBe(3);
  });

  it("is kept by a push on a machine without spack", async () => {
    const { spack } = await fakeSpack();
    await push(options({ runEnv: "spack", spack, env: { PATH: process.env.PATH } }));
    const again = await push(options({ runEnv: "auto", image: { labels: { a: "b" } } }));
    expect(outcomes(again)).toEqual(["gcc-runtime rewritten", "libgreet rewritten", "greeter rewritten"]);
    expect(await envOf(`${GREETER}.spack`)).toContain("GREETER_HOME=it's here");
  });

  it("goes back to the folders' when told", async () => {
    const { spack } = await fakeSpack();
    await push(options({ runEnv: "spack", spack, env: { PATH: process.env.PATH } }));
    await push(options({ runEnv: "prefix" }));
    expect((await envOf(`${GREETER}.spack`)).join()).not.toContain("GREETER_HOME");
  });

  it("fails before anything is written where spack is wanted and there is none", async () => {
    const run = push(options({ runEnv: "spack", env: { PATH: folder } }));
    await expect(run).rejects.toMatchObject({
      code: "SPACK_FAILED",
      hint: expect.stringContaining("--run-env prefix"),
    });
    expect(await tags()).toEqual([]);
  });
});

describe("planPush", () => {
  it("tells what would be done and writes nothing", async () => {
    const plan = await planPush(options());
    expect(plan.packages.map(({ name, action }) => `${name} ${action}`)).toEqual([
      "gcc-runtime push",
      "libgreet push",
      "greeter push",
    ]);
    expect(plan.packages[2]?.layers).toHaveLength(3);
    expect(plan.packages[2]?.prefixSize).toBeGreaterThan(16_000);
    expect((await readdir(folder)).sort()).toEqual(["root"]);
  });

  it("tells what is there already", async () => {
    await push(options({ specs: ["libgreet"] }));
    const plan = await planPush(options());
    expect(plan.packages.map(({ action }) => action)).toEqual(["skip", "skip", "push"]);
  });

  it("tells which package can't be pushed", async () => {
    await mkdir(join(folder, "x"));
    await rm(prefixOf(GREETER), { recursive: true });
    const plan = await planPush(options());
    expect(plan.packages[2]).toMatchObject({ action: "fail", problem: { code: "PREFIX_MISSING" } });
  });
});
