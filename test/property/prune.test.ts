import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  blobOf,
  type Document,
  documentOf,
  jsonDocument,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  openLayout,
  openRegistry,
  prune,
  type Store,
} from "@spkoci/core";
import {
  buildPackage,
  createTemporaryFolder,
  type FakeRegistry,
  fillCache,
  indexedIn,
  putPackage,
  startFakeRegistry,
  type TemporaryFolder,
  type TestPackage,
  tagsOf,
} from "@spkoci/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** A cache of packages that depend on earlier ones, and of other images that share layers with each other and with packages. */
interface Model {
  readonly packages: readonly { readonly links: readonly number[]; readonly builds: readonly number[] }[];
  /** Packages that are to stay. */
  readonly roots: readonly number[];
  /** Packages whose images have a second tag. */
  readonly aliases: readonly number[];
  /** Packages that something is said about, and that about itself so often. */
  readonly referrers: readonly { readonly of: number; readonly depth: number }[];
  /** Images of layers, some of packages; `nested` ones are named by an index only. */
  readonly others: readonly { readonly layers: readonly number[]; readonly nested: boolean; readonly kept: boolean }[];
  readonly allTags: boolean;
  readonly withBuild: boolean;
}

const before = (at: number) => (at === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat(at - 1), { maxLength: 3 }));
const packagesOf = (count: number) =>
  fc.tuple(...Array.from({ length: count }, (_, at) => fc.record({ links: before(at), builds: before(at) })));

const models: fc.Arbitrary<Model> = fc.integer({ min: 1, max: 8 }).chain((count) =>
  fc.record({
    packages: packagesOf(count),
    roots: fc.uniqueArray(fc.nat(count - 1), { minLength: 1, maxLength: 3 }),
    aliases: fc.uniqueArray(fc.nat(count - 1), { maxLength: 2 }),
    referrers: fc.array(fc.record({ of: fc.nat(count - 1), depth: fc.integer({ min: 1, max: 2 }) }), { maxLength: 3 }),
    others: fc.array(
      fc.record({ layers: fc.uniqueArray(fc.nat(5), { maxLength: 4 }), nested: fc.boolean(), kept: fc.boolean() }),
      { maxLength: 3 },
    ),
    allTags: fc.boolean(),
    withBuild: fc.boolean(),
  }),
);

/** What was put into a cache, and what must be there afterwards. */
interface Built {
  readonly tags: Set<string>;
  /** Manifests, indexes, configs and layers. */
  readonly content: Set<string>;
  /** DAG hashes. */
  readonly packages: Set<string>;
}

let folder: TemporaryFolder;
let registry: FakeRegistry;
let count = 0;

beforeAll(async () => {
  folder = await createTemporaryFolder();
  registry = await startFakeRegistry();
});
afterAll(async () => {
  await registry.close();
  await folder.remove();
});

describe("prune of any cache", () => {
  it("leaves in a folder exactly what the roots need, whole", () =>
    fc.assert(
      fc.asyncProperty(models, async (model) => {
        count += 1;
        const place = join(folder.path, String(count));
        await mkdir(place);
        const store = await openLayout(place, { create: true });
        const expected = await fill(store, model, `oci:${place}`);
        const first = await prune(optionsFor(model, `oci:${place}`));
        expect(first.totals).toMatchObject({ left: 0, failed: 0 });
        expect(await tagsOf(store)).toEqual([...expected.tags].sort());
        const files = (await readdir(join(place, "blobs/sha256"))).map((name) => `sha256:${name}`);
        const index = await contentOf(store, "index.spack");
        expect(files.sort()).toEqual([...new Set([...expected.content, ...index])].sort());
        expect((await indexedIn(store)).map(({ hash }) => hash).sort()).toEqual([...expected.packages].sort());
      }),
      { numRuns: 60 },
    ));

  it("leaves at a registry the manifests that the roots need, with all of their blobs", () =>
    fc.assert(
      fc.asyncProperty(models, async (model) => {
        count += 1;
        const repository = `org/cache-${count}`;
        const store = openRegistry({ registry: registry.host, repository });
        const target = `${registry.host}/${repository}`;
        const expected = await fill(store, model, target);
        const result = await prune(optionsFor(model, target));
        expect(result.totals).toMatchObject({ left: 0, failed: 0 });
        expect(await tagsOf(store)).toEqual([...expected.tags].sort());
        const { blobs, manifests } = registry.repository(repository);
        for (const digest of expected.content) expect(blobs.has(digest) || manifests.has(digest)).toBe(true);
        const current = (await store.resolve("index.spack"))?.digest;
        const indexes = [...manifests].filter(([, { bytes }]) => isIndexOfSpack(bytes)).map(([digest]) => digest);
        const others = [...manifests.keys()].filter((digest) => !indexes.includes(digest));
        expect(indexes).toContain(current);
        expect(others.filter((digest) => !expected.content.has(digest))).toEqual([]);
        expect((await indexedIn(store)).map(({ hash }) => hash).sort()).toEqual([...expected.packages].sort());
      }),
      { numRuns: 40 },
    ));
});

function optionsFor({ roots, allTags, withBuild, others }: Model, target: string) {
  const keepTags = others.flatMap(({ kept }, at) => (kept ? [`other-${at}`] : []));
  const keep = roots.map((at) => `p${at}`);
  return { target, keep, keepTags, allTags, withBuildDependencies: withBuild, graceMs: -60_000 };
}

/** Puts all of a model into a store, and works out what must stay. */
async function fill(store: Store, model: Model, target: string): Promise<Built> {
  const packages: TestPackage[] = [];
  for (const [at, { links, builds }] of model.packages.entries()) {
    const dependencies = links.map((to) => packages[to] as TestPackage);
    const buildDependencies = builds.filter((to) => !links.includes(to)).map((to) => packages[to] as TestPackage);
    const one = buildPackage(`p${at}`, { dependencies, buildDependencies, withLayers: true });
    packages.push(one);
    await putPackage(store, one);
  }
  const kept = keptOf(model);
  const expected: Built = { tags: new Set(["index.spack"]), content: new Set(), packages: new Set() };
  for (const [at, one] of packages.entries()) {
    if (model.aliases.includes(at)) await store.write(one.manifest, { tag: `alias-${at}` });
    if (!kept.has(at)) continue;
    expected.packages.add(one.hash);
    expected.tags.add(one.tag);
    if (model.aliases.includes(at)) expected.tags.add(`alias-${at}`);
    for (const { descriptor } of [one.manifest, one.config, ...one.layers]) expected.content.add(descriptor.digest);
  }
  for (const [at, { of, depth }] of model.referrers.entries()) {
    let about = packages[of]?.manifest as Document;
    for (let level = 0; level < depth; level += 1) {
      about = await putImage(store, `note ${at} ${level}`, [], { subject: linkOf(about) });
      if (kept.has(of))
        for (const digest of await contentOf(store, about.descriptor.digest)) expected.content.add(digest);
    }
  }
  for (const [at, { layers, nested, kept: isKept }] of model.others.entries()) {
    const own = layers.map(
      (layer) => packages[layer]?.layer ?? documentOf(OCI_LAYER_GZIP, Buffer.from(`base ${layer}`)),
    );
    const image = await putImage(store, `other ${at}`, own, {}, nested ? undefined : `other-${at}`);
    if (nested) await putIndex(store, [image], `other-${at}`);
    if (model.allTags && !isKept) continue;
    expected.tags.add(`other-${at}`);
    for (const digest of await contentOf(store, `other-${at}`)) expected.content.add(digest);
  }
  await fillCache(store, target, []);
  return expected;
}

/** Numbers of the packages that must stay: what roots reach, and unless all tags go, what packages with a second tag reach. */
function keptOf({ packages, roots, aliases, allTags, withBuild }: Model): Set<number> {
  const kept = new Set([...roots, ...(allTags ? [] : aliases)]);
  for (const at of kept) {
    const { links = [], builds = [] } = packages[at] ?? {};
    for (const to of [...links, ...(withBuild ? builds : [])]) kept.add(to);
  }
  return kept;
}

async function putImage(
  store: Store,
  name: string,
  layers: readonly Document[],
  more: { readonly subject?: ReturnType<typeof linkOf> },
  tag?: string,
): Promise<Document> {
  const config = jsonDocument(OCI_CONFIG, { name });
  for (const { descriptor, bytes } of [config, ...layers]) await store.put(blobOf({ descriptor, bytes }));
  const manifest = jsonDocument(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: linkOf(config),
    layers: layers.map(linkOf),
    ...more,
  });
  await store.write(manifest, tag === undefined ? {} : { tag });
  return manifest;
}

async function putIndex(store: Store, images: readonly Document[], tag: string): Promise<void> {
  const manifests = images.map(linkOf);
  await store.write(jsonDocument(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests }), { tag });
}

function linkOf({ descriptor: { mediaType, digest, size } }: Document) {
  return { mediaType, digest, size };
}

/** Digests of a document and of everything that it names but its subject. */
async function contentOf(store: Store, reference: string): Promise<Set<string>> {
  const document = await store.read(reference);
  const found = new Set<string>(document ? [document.descriptor.digest] : []);
  const { config, layers = [], manifests = [] } = JSON.parse(Buffer.from(document?.bytes ?? []).toString() || "{}");
  for (const { digest } of [...(config ? [config] : []), ...layers]) found.add(digest);
  for (const { digest } of manifests) for (const one of await contentOf(store, digest)) found.add(one);
  return found;
}

function isIndexOfSpack(bytes: Buffer): boolean {
  return (JSON.parse(bytes.toString()) as { config?: { size?: number } }).config?.size === 2;
}
