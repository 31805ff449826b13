import { readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  createTemporaryFolder,
  type FakeRegistry,
  type FixtureStore,
  startFakeRegistry,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { digestOf } from "../base/digest.js";
import type { SpkociEvent } from "../base/events.js";
import { layerMemoryFolder } from "../layer/layer-memory.js";
import type { PushOptions } from "./options.js";
import { planPush, push } from "./push.js";
import type { PushResult } from "./result.js";

const LIBGREET = "linux-x86_64_v3/libgreet-1.0-vxd7hjtucqhfb2xibbvbaje6fla7ikff";
const FILE = "include/greet.h";

let registry: FakeRegistry;
let store: FixtureStore;
let cache: TemporaryFolder;
let events: SpkociEvent[];

beforeEach(async () => {
  registry = await startFakeRegistry();
  store = await unpackFixtureStore();
  cache = await createTemporaryFolder();
  events = [];
  // The store was written just now; only what is older is remembered.
  const now = Date.now;
  vi.spyOn(Date, "now").mockImplementation(() => now() + 10_000);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all([registry.close(), store.remove(), cache.remove()]);
});

function options(changes: Partial<PushOptions> = {}): PushOptions {
  const target = `${registry.host}/cache`;
  const from = { store: store.store, sysroot: store.path, specs: ["libgreet"] };
  return { ...from, target, cacheDir: cache.path, runEnv: "prefix", ...changes };
}

async function pushTo(repository: string, changes: Partial<PushOptions> = {}): Promise<PushResult> {
  events = [];
  registry.clearRequests();
  const target = `${registry.host}/${repository}`;
  return push(options({ target, ...changes }), { emit: (event) => events.push(event) });
}

/** Packages whose files were read. */
function read(): string[] {
  const archived = events.flatMap((event) =>
    event.type === "package-progress" && event.stage === "archive" ? [event.package] : [],
  );
  return [...new Set(archived)].sort();
}

const warnings = (): string[] => events.flatMap((event) => (event.type === "warning" ? [event.message] : []));
const digests = (result: PushResult) => result.packages.map(({ digest }) => digest);
const outcomes = (result: PushResult) => result.packages.map(({ outcome }) => outcome);

/** The cache loses what names its layers, as if a push had been stopped before. */
function forgetImages(repository: string): void {
  const { tags, manifests } = registry.repository(repository);
  tags.clear();
  manifests.clear();
}

async function memoryFiles(): Promise<string[]> {
  const folder = layerMemoryFolder(cache.path);
  return (await readdir(folder)).map((name) => join(folder, name));
}

/** Makes what is remembered of every layer say that it is `digest`. */
async function lie(digest: string): Promise<void> {
  for (const path of await memoryFiles()) {
    const [entry = ""] = (await readFile(path, "utf8")).split("\n");
    const changed = JSON.stringify({ ...(JSON.parse(entry) as object), diffId: digest });
    await writeFile(path, `${changed}\n${digestOf(changed)}\n`);
  }
}

describe("a push of prefixes that were pushed before", () => {
  it("reads none of them where the cache has their layers but no image, and writes the same images", async () => {
    const first = await pushTo("cache");
    expect(read()).toEqual(["gcc-runtime@12.2.0", "libgreet@1.0"]);
    forgetImages("cache");
    const plan = await planPush(options());
    expect(plan.packages.map(({ action, prefixSize }) => [action, prefixSize])).toEqual([
      ["rewrite", 0],
      ["rewrite", 0],
    ]);
    const second = await pushTo("cache");
    expect(read()).toEqual([]);
    expect(outcomes(second)).toEqual(["rewritten", "rewritten"]);
    expect(second.totals.bytesSent).toBe(0);
    expect(digests(second)).toEqual(digests(first));
    expect(registry.requestsOf("POST", /uploads/)).toEqual([]);
  });

  it("makes the layers again for a cache without them, and they have the digests that were remembered", async () => {
    const first = await pushTo("cache");
    const [before] = await memoryFiles();
    const remembered = await readFile(before ?? "");
    const second = await pushTo("other");
    expect(read()).toEqual(["gcc-runtime@12.2.0", "libgreet@1.0"]);
    expect(digests(second)).toEqual(digests(first));
    expect(await readFile(before ?? "")).toEqual(remembered);
    expect(await memoryFiles()).toHaveLength(2);
  });

  it("reads a prefix in which a file has other content under its old size and time", async () => {
    const first = await pushTo("cache");
    const path = join(store.path, store.store, LIBGREET, FILE);
    const { atime, mtime, size } = await stat(path);
    await writeFile(path, "x".repeat(size));
    await utimes(path, atime, mtime);
    forgetImages("cache");
    const second = await pushTo("cache");
    expect(read()).toEqual(["libgreet@1.0"]);
    expect(digests(second)[0]).toBe(digests(first)[0]);
    expect(digests(second)[1]).not.toBe(digests(first)[1]);
    const afresh = await pushTo("afresh", { cacheDir: join(cache.path, "afresh") });
    expect(digests(second)).toEqual(digests(afresh));
  });

  it("reads them with another level of compression, and with force", async () => {
    await pushTo("cache");
    forgetImages("cache");
    await pushTo("cache", { compressionLevel: 1 });
    expect(read()).toHaveLength(2);
    await pushTo("cache", { force: true });
    expect(read()).toHaveLength(2);
  });

  it("reads them where what was remembered is damaged or gone", async () => {
    const first = await pushTo("cache");
    const [one = "", other = ""] = await memoryFiles();
    await writeFile(one, "");
    await rm(other);
    forgetImages("cache");
    expect(digests(await pushTo("cache"))).toEqual(digests(first));
    expect(read()).toHaveLength(2);
    expect(warnings()).toEqual([]);
    forgetImages("cache");
    await pushTo("cache");
    expect(read()).toEqual([]);
  });

  it("remembers nothing of a prefix that was written a moment ago", async () => {
    vi.restoreAllMocks();
    const path = join(store.path, store.store, LIBGREET, FILE);
    await writeFile(path, "new");
    await pushTo("cache");
    const settled = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 10_000);
    forgetImages("cache");
    await pushTo("cache");
    expect(read()).toContain("libgreet@1.0");
    settled.mockRestore();
  });
});

describe("verifyCache", () => {
  it("reads every prefix of which the cache has no image, and warns of nothing where all is right", async () => {
    const first = await pushTo("cache");
    forgetImages("cache");
    const second = await pushTo("cache", { verifyCache: true });
    expect(read()).toHaveLength(2);
    expect(warnings()).toEqual([]);
    expect(digests(second)).toEqual(digests(first));
  });

  it("warns of digests that were remembered wrong, writes right images, and mends what is remembered", async () => {
    const first = await pushTo("cache");
    await lie(digestOf("a lie"));
    forgetImages("cache");
    const second = await pushTo("cache", { verifyCache: true });
    expect(warnings().sort()).toEqual([
      expect.stringContaining("the layer of gcc-runtime@12.2.0 was wrong"),
      expect.stringContaining("the layer of libgreet@1.0 was wrong"),
    ]);
    expect(digests(second)).toEqual(digests(first));
    forgetImages("cache");
    expect(digests(await pushTo("cache"))).toEqual(digests(first));
    expect(read()).toEqual([]);
  });
});
