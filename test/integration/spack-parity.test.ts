import { createHash } from "node:crypto";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type Descriptor, openLayout, parseManifest, push, type Store } from "@spkoci/core";
import {
  createTemporaryFolder,
  type FixtureStore,
  fixturePath,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { extract } from "tar-stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

/** One entry of a layer with everything that Spack decides about it. */
interface LayerEntry {
  readonly name: string;
  readonly type: string | null | undefined;
  readonly mode: number | undefined;
  readonly owner: string;
  readonly mtime: number | undefined;
  readonly size: number | undefined;
  readonly link: string | null | undefined;
  readonly content: string;
}

interface Layer {
  readonly entries: readonly LayerEntry[];
  readonly buildInfo: Record<string, unknown>;
}

const BUILD_INFO = "/.spack/binary_distribution";
const PACKAGES = [
  "gcc-runtime-12.2.0-hlzfjje6cptdvgrmwxpayogeilh4pj5e.spack",
  "greet-build-tool-0.1-nvmxzn735ojl752pjjshf3ixfbs7uzze.spack",
  "greet-plugin-0.5-4mu7dtu6uktdyijb3md6bvri3ciiwdbm.spack",
  "greeter-2.1-53zaetjpu7mwvi3vv3n2rag7yc3a4nuh.spack",
  "libgreet-1.0-vxd7hjtucqhfb2xibbvbaje6fla7ikff.spack",
];

let store: FixtureStore;
let folder: TemporaryFolder;
let ours: Store;
let spacks: Store;

beforeAll(async () => {
  store = await unpackFixtureStore();
  folder = await createTemporaryFolder();
  const target = `oci:${join(folder.path, "cache")}`;
  await push({ store: store.store, sysroot: store.path, all: true, target, cacheDir: folder.path, runEnv: "prefix" });
  ours = await openLayout(join(folder.path, "cache"));
  spacks = await openLayout(fixturePath("small/cache"));
});
afterAll(async () => {
  await store.remove();
  await folder.remove();
});

async function manifestOf(cache: Store, tag: string) {
  const document = await cache.read(tag);
  if (document === undefined) throw new Error(`${cache.name} has no ${tag}`);
  return parseManifest(document, tag);
}

async function documentOf(cache: Store, descriptor: Descriptor): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of await cache.open(descriptor)) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

async function ownLayerOf(cache: Store, tag: string): Promise<Layer> {
  const { layers } = await manifestOf(cache, tag);
  const own = layers.at(-1) as Descriptor;
  const entries: LayerEntry[] = [];
  let buildInfo: Record<string, unknown> = {};
  const reader = extract();
  reader.on("entry", async (header, body, next) => {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk as Buffer);
    const content = Buffer.concat(chunks);
    const isBuildInfo = header.name.endsWith(BUILD_INFO);
    if (isBuildInfo) buildInfo = parse(content.toString("utf8")) as Record<string, unknown>;
    entries.push({
      name: header.name.replace(/\/$/, ""),
      type: header.type,
      mode: header.mode,
      owner: `${header.uid}:${header.gid} ${header.uname ?? ""}:${header.gname ?? ""}`,
      mtime: header.mtime?.getTime(),
      size: isBuildInfo ? undefined : header.size,
      link: header.linkname,
      content: isBuildInfo ? "" : createHash("sha256").update(content).digest("hex"),
    });
    next();
  });
  await pipeline(await cache.open(own), createGunzip(), reader);
  return { entries, buildInfo };
}

/** DAG hashes of the packages in an image's layers, told by what the cache's packages have as own layers. */
async function layerPackages(cache: Store, tag: string): Promise<(string | undefined)[]> {
  const owners = new Map<string, string>();
  for (const name of PACKAGES) owners.set((await manifestOf(cache, name)).layers.at(-1)?.digest ?? "", name);
  return (await manifestOf(cache, tag)).layers.map(({ digest }) => owners.get(digest));
}

describe.each(PACKAGES)("%s as spkoci writes it and as Spack wrote it", (tag) => {
  it("has the same entries in the layer: names, order, types, modes, owners, times, links, contents", async () => {
    const [mine, theirs] = await Promise.all([ownLayerOf(ours, tag), ownLayerOf(spacks, tag)]);
    expect(mine.entries).toEqual(theirs.entries);
    expect(mine.entries.length).toBeGreaterThan(8);
  });

  it("has the same build info, key by key", async () => {
    const [mine, theirs] = await Promise.all([ownLayerOf(ours, tag), ownLayerOf(spacks, tag)]);
    const { spackprefix: _mine, ...mineRest } = mine.buildInfo;
    const { spackprefix: _theirs, ...theirsRest } = theirs.buildInfo;
    expect(mineRest).toEqual(theirsRest);
    expect(Object.keys(mine.buildInfo)).toEqual(Object.keys(theirs.buildInfo));
    expect(Object.entries(mine.buildInfo.hash_to_prefix as object)).toEqual(
      Object.entries(theirs.buildInfo.hash_to_prefix as object),
    );
  });

  it("has the same packages as layers, in the same order", async () => {
    expect(await layerPackages(ours, tag)).toEqual(await layerPackages(spacks, tag));
  });

  it("has the same description, spec, and keys for Spack's installer in manifest and config", async () => {
    const [mine, theirs] = await Promise.all([manifestOf(ours, tag), manifestOf(spacks, tag)]);
    const description = "org.opencontainers.image.description";
    expect(mine.annotations?.[description]).toBe(theirs.annotations?.[description]);
    const [config, theirConfig] = [await documentOf(ours, mine.config), await documentOf(spacks, theirs.config)];
    expect(JSON.stringify(config.spec)).toBe(JSON.stringify(theirConfig.spec));
    for (const key of ["architecture", "os", "buildcache_layout_version", "archive_compression"]) {
      expect(config[key], key).toEqual(theirConfig[key]);
    }
    expect(Object.keys(theirConfig).filter((key) => !(key in config))).toEqual([]);
    expect(config.archive_size).toBe(mine.layers.at(-1)?.size);
    expect(config.binary_cache_checksum).toEqual({
      hash_algorithm: "sha256",
      hash: mine.layers.at(-1)?.digest.slice("sha256:".length),
    });
  });
});

describe("the index as spkoci writes it and as Spack wrote it", () => {
  it("has the same records", async () => {
    const read = async (cache: Store) => {
      const { layers } = await manifestOf(cache, "index.spack");
      return documentOf(cache, layers[0] as Descriptor);
    };
    expect(await read(ours)).toEqual(await read(spacks));
  });
});
