import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import {
  copy,
  openLayout,
  openRegistry,
  type PushOptions,
  type PushResult,
  parseManifest,
  push,
  type Store,
} from "@spkoci/core";
import {
  createTemporaryFolder,
  type FakeRegistry,
  type FixtureStore,
  requireTool,
  seededBytes,
  startDockerRegistry,
  startFakeRegistry,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MIB = 1024 * 1024;
const GREETER = "linux-x86_64_v3/greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";
const hasZstd = "createZstdCompress" in createRequire(import.meta.url)("node:zlib");

let store: FixtureStore;
let folder: TemporaryFolder;
let count = 0;

/** A path of a new folder. */
const newFolder = (): string => {
  count += 1;
  return join(folder.path, String(count));
};

beforeAll(async () => {
  store = await unpackFixtureStore();
  folder = await createTemporaryFolder();
  const share = join(store.path, store.store, GREETER, "share", "made-up");
  await mkdir(share, { recursive: true });
  // Several blocks of both kinds, and so much of the one that the layer is worth streaming.
  await writeFile(join(share, "noise"), seededBytes("noise", 12 * MIB));
  await writeFile(join(share, "words"), "words that repeat themselves\n".repeat(200_000));
  for (let index = 0; index < 300; index += 1) await writeFile(join(share, `small-${index}`), `small ${index}\n`);
});
afterAll(async () => {
  await store.remove();
  await folder.remove();
});

function options(target: string, changes: Partial<PushOptions> = {}): PushOptions {
  const common = { store: store.store, sysroot: store.path, specs: ["greeter"], runEnv: "prefix" } as const;
  return { ...common, cacheDir: newFolder(), target, ...changes };
}

/** By tag, that of the index too, the digests of manifest, config and layers. All are read, which checks their bytes. */
async function contentOf(cache: Store): Promise<Record<string, readonly string[]>> {
  const content: Record<string, readonly string[]> = {};
  const tags: string[] = [];
  for await (const tag of cache.tags()) tags.push(tag);
  for (const tag of tags.sort()) {
    const document = await cache.read(tag);
    if (document === undefined) throw new Error(`${tag} is gone`);
    const { config, layers } = parseManifest(document, tag);
    for (const blob of [config, ...layers]) await finished((await cache.open(blob)).resume());
    content[tag] = [document.descriptor, config, ...layers].map(({ digest }) => digest);
  }
  return content;
}

const layoutOf = async (target: string): Promise<Store> => openLayout(target.slice("oci:".length));

async function withFake<T>(chunked: boolean, task: (registry: FakeRegistry, cache: Store) => Promise<T>): Promise<T> {
  const registry = await startFakeRegistry({ chunked });
  try {
    return await task(registry, openRegistry({ registry: registry.host, repository: "cache" }));
  } finally {
    await registry.close();
  }
}

/** Pushes in a process of its own, which has one thread for compression. */
async function pushWithOneThread(given: PushOptions): Promise<void> {
  const program = 'import { push } from "./packages/core/dist/index.js"; await push(JSON.parse(process.argv[1]));';
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const words = ["--input-type=module", "-e", program, JSON.stringify(given)];
  const env = { PATH: process.env.PATH, UV_THREADPOOL_SIZE: "1" };
  const child = spawn(process.execPath, words, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
  expect(await once(child, "close")).toEqual([0, null]);
}

const sentOf = ({ totals }: PushResult): [number, number] => [totals.pushed, totals.failed];

describe.each(hasZstd ? (["gzip", "zstd"] as const) : (["gzip"] as const))("a push with %s", (compression) => {
  let expected: Record<string, readonly string[]>;

  beforeAll(async () => {
    const target = `oci:${newFolder()}`;
    expect(sentOf(await push(options(target, { compression, jobs: 1 })))).toEqual([3, 0]);
    expected = await contentOf(await layoutOf(target));
    expect(Object.keys(expected)).toHaveLength(4);
  });

  it("of several packages at once into a folder gives the same bytes as one after the other", async () => {
    const target = `oci:${newFolder()}`;
    await push(options(target, { compression, jobs: 8 }));
    expect(await contentOf(await layoutOf(target))).toEqual(expected);
  });

  it("with one thread gives the same bytes", async () => {
    const target = `oci:${newFolder()}`;
    await pushWithOneThread(options(target, { compression }));
    expect(await contentOf(await layoutOf(target))).toEqual(expected);
  });

  it.each([1, 8])("streamed to a registry gives the same bytes (jobs: %i)", async (jobs) => {
    await withFake(true, async (registry, cache) => {
      const result = await push(options(`${registry.host}/cache`, { compression, jobs }));
      expect(await contentOf(cache)).toEqual(expected);
      const patches = registry.requestsOf("PATCH", /uploads/);
      expect(patches.map(({ bodyBytes }) => bodyBytes)).toEqual([result.packages.at(-1)?.layerSize]);
    });
  });

  it("to a registry that takes no streams gives the same bytes", async () => {
    await withFake(false, async (registry, cache) => {
      await push(options(`${registry.host}/cache`, { compression }));
      expect(await contentOf(cache)).toEqual(expected);
      expect(registry.requestsOf("PATCH", /uploads/).map(({ status }) => status)).toEqual([405]);
    });
  });

  it("again with what the first one remembers gives the same bytes, forced and into another cache", async () => {
    const cacheDir = newFolder();
    const [first, second] = [`oci:${newFolder()}`, `oci:${newFolder()}`];
    await push(options(first, { compression, cacheDir }));
    await push(options(second, { compression, cacheDir }));
    await push(options(first, { compression, cacheDir, force: true }));
    expect(await contentOf(await layoutOf(first))).toEqual(expected);
    expect(await contentOf(await layoutOf(second))).toEqual(expected);
  });

  it("copied to a registry gives the same bytes", async () => {
    const target = `oci:${newFolder()}`;
    await push(options(target, { compression }));
    await withFake(true, async (registry, cache) => {
      await copy({ source: target, target: `${registry.host}/cache`, updateIndex: false });
      const { "index.spack": _index, ...packages } = expected;
      expect(await contentOf(cache)).toEqual(packages);
    });
  });

  it.skipIf(!requireTool("docker-registry"))("streamed to docker-registry gives the same bytes", async () => {
    const registry = await startDockerRegistry();
    try {
      const methods: string[] = [];
      await push(options(`${registry.host}/cache`, { compression }), {
        emit: (event) => event.type === "request" && methods.push(`${event.method} ${event.status}`),
      });
      const cache = openRegistry({ registry: registry.host, repository: "cache" });
      expect(await contentOf(cache)).toEqual(expected);
      expect(methods.filter((method) => method.startsWith("PATCH"))).toEqual(["PATCH 202"]);
    } finally {
      await registry.close();
    }
  });
});
