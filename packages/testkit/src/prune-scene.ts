import { join } from "node:path";
import {
  blobOf,
  type Document,
  jsonDocument,
  OCI_CONFIG,
  OCI_MANIFEST,
  openLayout,
  openRegistry,
  type PruneOptions,
  type PrunePlan,
  type RegistryAccess,
  type Store,
} from "@spkoci/core";
import { afterEach, beforeEach } from "vitest";
import { ageBlobs, fillCache, indexedIn } from "./cache-contents.js";
import { type FakeGitHub, type FakeGitHubOptions, startFakeGitHub } from "./fake-github.js";
import type { FakeRegistryOptions } from "./fake-registry/options.js";
import { type FakeRegistry, startFakeRegistry } from "./fake-registry/server.js";
import { linkTo } from "./link-to.js";
import { buildPackage, type TestPackage } from "./spack-package.js";
import { createTemporaryFolder, type TemporaryFolder } from "./temporary-folder.js";

type Packages = Readonly<Record<"lib" | "tool" | "app" | "other" | "lone", TestPackage>>;

/** app and other need lib, app needs tool to be built, and nothing needs lone. */
function buildPackages(): Packages {
  const lib = buildPackage("lib", { withLayers: true });
  const tool = buildPackage("tool");
  const app = buildPackage("app", { dependencies: [lib], buildDependencies: [tool], withLayers: true });
  const other = buildPackage("other", { dependencies: [lib], withLayers: true });
  return { lib, tool, app, other, lone: buildPackage("lone") };
}

/** An empty layout folder, new for each test, whose packages are pruned without a time of grace. */
export class FolderPruneScene {
  #folder: TemporaryFolder | undefined;
  #store: Store | undefined;

  readonly packages: Packages = buildPackages();

  constructor() {
    beforeEach(async () => {
      this.#folder = await createTemporaryFolder();
      this.#store = await openLayout(this.cache, { create: true });
    });
    afterEach(async () => {
      await this.#folder?.remove();
    });
  }

  get folder(): string {
    return this.#folder?.path ?? "";
  }

  /** The layout folder, in `folder`. */
  get cache(): string {
    return join(this.folder, "cache");
  }

  get store(): Store {
    if (this.#store === undefined) throw new Error("the cache is made for each test");
    return this.#store;
  }

  readonly options = (more: Partial<PruneOptions> = {}): PruneOptions => ({
    target: `oci:${this.cache}`,
    graceMs: 0,
    ...more,
  });

  readonly fill = (...packages: readonly TestPackage[]): Promise<void> =>
    fillCache(this.store, this.options().target, packages);

  /** Makes all blobs so old, ms. */
  readonly age = (ms: number): Promise<void> => ageBlobs(this.cache, ms);

  /** Names of the packages in the index. */
  readonly indexed = async (): Promise<string[]> => (await indexedIn(this.store)).map(({ name }) => name);
}

const ACCESS: RegistryAccess = { retry: { attempts: 3, baseMs: 0, maxMs: 0 } };
const REPOSITORY = "org/the/cache";

/** A fake registry, new for each test, with the packages but for tool, of which app is kept, and a fake GitHub where it is wanted. */
export class RegistryPruneScene {
  static readonly token: string = "ghp_secret-token";

  #registry: FakeRegistry | undefined;
  #store: Store | undefined;
  gitHub: FakeGitHub | undefined;

  readonly packages: Packages = buildPackages();
  /** Tags of the index and of what is kept. */
  readonly kept: readonly string[] = [this.packages.app.tag, "index.spack", this.packages.lib.tag];
  readonly access: RegistryAccess = ACCESS;

  constructor() {
    afterEach(async () => {
      await this.#registry?.close();
      await this.gitHub?.close();
      this.gitHub = undefined;
    });
  }

  get registry(): FakeRegistry {
    if (this.#registry === undefined) throw new Error("no registry was started");
    return this.#registry;
  }

  get store(): Store {
    if (this.#store === undefined) throw new Error("no registry was started");
    return this.#store;
  }

  /** Starts the registry, with all packages in the index. */
  readonly start = async (options: FakeRegistryOptions = {}): Promise<void> => {
    this.#registry = await startFakeRegistry(options);
    this.#store = openRegistry({ registry: this.#registry.host, repository: REPOSITORY }, ACCESS);
    const { lib, app, other, lone } = this.packages;
    await fillCache(this.store, this.options().target, [lib, app, other, lone]);
    this.#registry.clearRequests();
  };

  readonly startGitHub = async (options: Partial<FakeGitHubOptions> = {}): Promise<void> => {
    this.gitHub = await startFakeGitHub({
      owner: "org",
      kind: "Organization",
      name: "the/cache",
      repository: this.registry.repository(REPOSITORY),
      token: RegistryPruneScene.token,
      ...options,
    });
  };

  readonly options = (more: Partial<PruneOptions> = {}): PruneOptions => ({
    target: `${this.registry.host}/${REPOSITORY}`,
    access: ACCESS,
    keep: ["app"],
    graceMs: 0,
    ...more,
  });

  readonly byGitHub = (more: Partial<PruneOptions> = {}): PruneOptions =>
    this.options({ gitHub: { apiUrl: this.gitHub?.url, token: RegistryPruneScene.token }, ...more });

  readonly tags = (): string[] => [...this.registry.repository(REPOSITORY).tags.keys()].sort();

  /** Names of the packages in the index. */
  readonly indexed = async (): Promise<string[]> => (await indexedIn(this.store)).map(({ name }) => name);
}

/** What a plan would remove: names of packages, tags of other images. */
export function plannedIn(plan: Pick<PrunePlan, "images">): string[] {
  return plan.images.map(({ package: one, tags: [tag] }) => one?.name ?? tag ?? "untagged").sort();
}

/** Why each package is kept, by its name. */
export function keptBy(plan: PrunePlan): Record<string, string> {
  return Object.fromEntries(plan.kept.map((one) => [one.name, one.why]).sort());
}

/** Writes something about an image: with a subject, or with only a tag that says so, as before there were subjects. */
export async function putReferrer(
  store: Store,
  { manifest: { descriptor } }: Pick<TestPackage, "manifest">,
  tag?: string,
): Promise<Document> {
  const config = jsonDocument(OCI_CONFIG, { about: descriptor.digest, tag });
  await store.put(blobOf(config));
  const document = jsonDocument(OCI_MANIFEST, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: "application/vnd.example.note",
    config: linkTo(config),
    layers: [],
    ...(tag === undefined ? { subject: linkTo({ descriptor }) } : {}),
  });
  await store.write(document, tag === undefined ? {} : { tag });
  return document;
}
