import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  blobOf,
  check,
  documentOf,
  install,
  listCache,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_LAYER_GZIP,
  OCI_MANIFEST,
  planCopy,
  planInstall,
  planPrune,
  planPush,
  readReport,
  readTree,
  type SpkociError,
  type SpkociEvent,
  showPackage,
  updateIndex,
} from "@spkoci/core";
import {
  CacheEditor,
  createTemporaryFolder,
  type FixtureStore,
  type HostileFile,
  rawTar,
  readHostileFiles,
  SMALL_HASHES,
  SMALL_TAGS,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

const TAG = SMALL_TAGS.libgreet;
const PREFIX = `opt/spack/opt/spack/linux-x86_64_v3/libgreet-1.0-${SMALL_HASHES.libgreet}`;
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

let folder: TemporaryFolder;
let cache: CacheEditor;
let store: FixtureStore;

beforeAll(async () => {
  store = await unpackFixtureStore();
});
afterAll(() => store.remove());
beforeEach(async () => {
  folder = await createTemporaryFolder();
  cache = await CacheEditor.create(join(folder.path, "cache"));
});
afterEach(() => folder.remove());

const at = (name: string): string => join(folder.path, name);

type Outcome = SpkociError | undefined;

/** What a command ends with; fails for anything but an error of spkoci's own that is fit to be shown. */
async function outcomeOf(run: Promise<unknown>): Promise<Outcome> {
  try {
    await run;
    return undefined;
  } catch (error) {
    return checkError(error as SpkociError);
  }
}

function checkError(error: SpkociError): SpkociError {
  expect(error, error.stack).toMatchObject({ name: expect.stringMatching(/^(Spkoci|Registry)Error$/) });
  expect(error.code, error.message).not.toBe("INTERNAL");
  expect(error.message).not.toMatch(CONTROL);
  expect(error.message.length).toBeLessThan(5000);
  return error;
}

/** Events must not hold objects of the wrong kind; that they are shown clean is the program's part. */
function emit(event: SpkociEvent): void {
  expect(typeof event.type).toBe("string");
}

/** The error that `spkoci install libgreet` ends with. */
async function installing(specs: readonly string[] = [`/${SMALL_HASHES.libgreet}`]): Promise<Outcome> {
  const options = { sources: [`oci:${cache.folder}`], specs, root: at("root"), cacheDir: at("local"), env: {} };
  const planned = await outcomeOf(planInstall(options, { emit }));
  let failed: { readonly code: string; readonly message: string } | undefined;
  const thrown = await outcomeOf(
    install(options, { emit }).then(({ packages }) => {
      failed = packages.find(({ name, error }) => name === "libgreet" && error !== undefined)?.error;
    }),
  );
  if (planned !== undefined) expect(thrown?.code).toBe(planned.code);
  const error = thrown ?? (failed as SpkociError | undefined);
  if (thrown === undefined && failed !== undefined) {
    expect(failed.code, failed.message).not.toBe("INTERNAL");
    expect(failed.message).not.toMatch(CONTROL);
  }
  await expectNothingElse(error !== undefined);
  return error;
}

/** Nothing outside of the store was made, and nothing of a package that failed. */
async function expectNothingElse(isFailed: boolean): Promise<void> {
  expect((await readdir(folder.path)).filter((name) => !["cache", "root", "local"].includes(name))).toEqual([]);
  expect(await stat("/tmp/spkoci-hostile").catch(() => undefined)).toBe(undefined);
  const installed = await readdir(at("root/linux-x86_64_v3")).catch(() => []);
  if (isFailed) expect(installed.filter((name) => !name.startsWith("gcc-runtime-"))).toEqual([]);
  const left = await readdir(at("root/.spkoci/spool")).catch(() => []);
  expect(left).toEqual([]);
}

/** Every command that reads a cache. */
async function readAll(): Promise<void> {
  const source = `oci:${cache.folder}`;
  const spec = `/${SMALL_HASHES.libgreet}`;
  const op = { emit };
  const base = {
    store: store.store,
    sysroot: store.path,
    specs: ["greeter"],
    target: `oci:${at("local")}`,
    cacheDir: at("local"),
    runEnv: "prefix",
    baseImage: `${source}:${TAG}`,
  } as const;
  await outcomeOf(listCache({ source }, op));
  await outcomeOf(readTree({ source, queries: ["greeter"], allDeps: true }, op));
  await outcomeOf(showPackage({ source, spec, measure: true }, op));
  await outcomeOf(readReport({ source }, op));
  await outcomeOf(check({ source, level: "contents" }, op));
  await outcomeOf(planCopy({ source, target: `oci:${at("local")}` }, op));
  await outcomeOf(planPrune({ target: source, keep: ["libgreet"] }, op));
  await outcomeOf(updateIndex({ source, access: {}, full: true, dryRun: true }, op));
  await outcomeOf(planPush(base, op));
}

async function putBlob(mediaType: string, bytes: Uint8Array): Promise<object> {
  const document = documentOf(mediaType, bytes);
  await cache.store.put(blobOf(document));
  return { ...document.descriptor };
}

function describeFiles(kind: string, put: (file: HostileFile) => Promise<void>, specs?: readonly string[]): void {
  describe(kind, () => {
    it.each(readHostileFiles(kind))("$file: $outcome", async (file) => {
      await put(file);
      const error = await installing(specs);
      expect(error?.code ?? "harmless", error?.message).toBe(outcomeHere(file));
      await readAll();
    });
  });
}

/** Node has zstd from 22.15 on. */
function outcomeHere({ file, outcome }: HostileFile): string {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const hasZstd = major > 22 || (major === 22 && minor >= 15);
  return file.endsWith(".zst") && !hasZstd ? "UNSUPPORTED_COMPRESSION" : outcome;
}

describeFiles("layers", async ({ file, bytes }) => {
  const isWhole = file.endsWith("two-members.tar.gz");
  await cache.replaceLayer(TAG, isWhole ? gunzipSync(bytes) : bytes, bytes);
});

describeFiles("build-info", async ({ bytes }) => {
  const tar = rawTar({ name: "x", content: bytes, pax: { path: `${PREFIX}/.spack/binary_distribution` } });
  await cache.replaceLayer(TAG, tar, gzipSync(tar));
});

describeFiles("manifests", async ({ bytes }) => {
  await cache.store.write(documentOf(OCI_MANIFEST, bytes), { tag: TAG });
});

describeFiles("configs", async ({ bytes }) => {
  const config = await putBlob(OCI_CONFIG, bytes);
  await cache.writeManifest(TAG, { ...(await cache.readManifest(TAG)), config });
});

describeFiles("specs", async ({ bytes }) => {
  const manifest = await cache.readManifest(TAG);
  const { spec: _spec, ...config } = await cache.readJson(manifest.config);
  const text = `${JSON.stringify(config).slice(0, -1)},"spec":${bytes.toString("utf8")}}`;
  await cache.writeManifest(TAG, { ...manifest, config: await putBlob(OCI_CONFIG, Buffer.from(text)) });
});

describe("image-indexes", () => {
  it.each(readHostileFiles("image-indexes"))("$file: $outcome, as a base image", async ({ bytes, outcome }) => {
    await cache.store.write(documentOf(OCI_INDEX, bytes), { tag: TAG });
    const error = await outcomeOf(
      planPush(
        {
          store: store.store,
          sysroot: store.path,
          specs: ["libgreet"],
          target: `oci:${at("local")}`,
          cacheDir: at("local"),
          runEnv: "prefix",
          baseImage: `oci:${cache.folder}:${TAG}`,
        },
        { emit },
      ),
    );
    expect(error?.code ?? "harmless", error?.message).toBe(outcome);
    await installing();
    await readAll();
  });
});

describe("cache-indexes", () => {
  it.each(readHostileFiles("cache-indexes"))("$file: $outcome", async ({ bytes, outcome }) => {
    const manifest = await cache.readManifest("index.spack");
    const layer = await putBlob(OCI_LAYER_GZIP, bytes);
    await cache.writeManifest("index.spack", { ...manifest, layers: [layer] });
    const error = await outcomeOf(listCache({ source: `oci:${cache.folder}`, allArch: true }, { emit }));
    expect(error?.code ?? "harmless", error?.message).toBe(outcome);
    await installing();
    await readAll();
  });
});

it("the list of files is whole", async () => {
  const listed = await readFile(new URL("../../fixtures/hostile/README.md", import.meta.url), "utf8");
  const files = await readdir(new URL("../../fixtures/hostile/", import.meta.url), {
    recursive: true,
    withFileTypes: true,
  });
  const corpus = files.filter((file) => file.isFile() && !["README.md", "make.mjs"].includes(file.name));
  for (const { name } of corpus) expect(listed).toContain(`/${name}\``);
  expect(listed).toContain(`${corpus.length} files.`);
});
