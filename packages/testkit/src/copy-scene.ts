import { join } from "node:path";
import {
  type CopyOptions,
  type CopyResult,
  copy,
  openRegistry,
  type RegistryAccess,
  type SpkociEvent,
  type Store,
} from "@spkoci/core";
import { afterEach, beforeEach } from "vitest";
import type { FakeRegistryOptions } from "./fake-registry/options.js";
import { type FakeRegistry, startFakeRegistry } from "./fake-registry/server.js";
import { fixturePath } from "./fixture-store.js";
import { FAST_RETRY } from "./registry-scene.js";
import { createTemporaryFolder, type TemporaryFolder } from "./temporary-folder.js";

/** Spack's cache of five packages. */
export const SMALL_CACHE: string = `oci:${fixturePath("small/cache")}`;
/** The packages in it. */
export const SMALL_NAMES: readonly string[] = [
  "gcc-runtime",
  "libgreet",
  "greeter",
  "greet-plugin",
  "greet-build-tool",
];
/** greeter and what it needs. */
export const GREETER_NAMES: readonly string[] = ["gcc-runtime", "libgreet", "greeter"];

const ACCESS: RegistryAccess = { retry: FAST_RETRY };

/** A folder and a fake registry that caches are copied between, new for each test. */
export class CopyScene {
  #folder: TemporaryFolder | undefined;
  registry: FakeRegistry | undefined;

  constructor() {
    beforeEach(async () => {
      this.#folder = await createTemporaryFolder();
    });
    afterEach(async () => {
      await this.registry?.close();
      this.registry = undefined;
      await this.#folder?.remove();
    });
  }

  get folder(): string {
    return this.#folder?.path ?? "";
  }

  readonly path = (name: string): string => join(this.folder, name);

  /** A layout folder, as users write it. */
  readonly place = (name: string): string => `oci:${this.path(name)}`;

  /** Starts the registry. @returns its host */
  readonly start = async (options: FakeRegistryOptions = {}): Promise<string> => {
    this.registry = await startFakeRegistry(options);
    return this.registry.host;
  };

  readonly storeAt = (host: string, repository = "org/cache"): Store =>
    openRegistry({ registry: host, repository }, ACCESS);

  /** Copies, from Spack's cache unless told. */
  readonly run = (
    options: Partial<CopyOptions> & Pick<CopyOptions, "target">,
    events: SpkociEvent[] = [],
  ): Promise<CopyResult> =>
    copy({ source: SMALL_CACHE, access: ACCESS, ...options }, { emit: (event) => events.push(event) });
}

/** Outcomes by the names of packages and the tags of other images. */
export function copyOutcomes({ packages, images }: CopyResult): Record<string, string> {
  return Object.fromEntries([
    ...packages.map(({ name, outcome }) => [name, outcome]),
    ...images.map(({ tag, outcome }) => [tag, outcome]),
  ]);
}

/** The same outcome for all of these. */
export function allWith(outcome: string, names: readonly string[] = SMALL_NAMES): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, outcome]));
}
