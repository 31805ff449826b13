import { join } from "node:path";
import {
  type CheckResult,
  check,
  copy,
  install,
  type Op,
  openRegistry,
  prune,
  push,
  type RegistryAccess,
  updateIndex,
  verify,
} from "@spkoci/core";
import { DOCKER_REGISTRY_USER, type DockerRegistry, type FixtureStore, namesOf, SMALL_CACHE } from "@spkoci/testkit";
import { expect } from "vitest";
import { ALL_NAMES, expectWholeCache, expectWholeStore } from "./expect-whole.js";

/** What all runs share, and the folder of one. */
export interface Ground {
  readonly registry: DockerRegistry;
  readonly store: FixtureStore;
  /** Empty at first. */
  readonly folder: string;
  /** Where everything of this run is in the registry. */
  readonly repository: string;
}

/** One command against a registry that may do wrong. */
export interface Scene {
  /** Makes what the command finds; through no proxy. */
  prepare(ground: Ground): Promise<void>;
  /** The command. `host` is the registry, or the proxy in front of it. Resolves to the failures that its result tells of. */
  run(ground: Ground, host: string, access: RegistryAccess, op?: Op): Promise<readonly ToldError[]>;
  /** What must hold even if the command failed. */
  expectNothingHalf(ground: Ground): Promise<void>;
  /** What must hold once it succeeded. */
  expectDone(ground: Ground): Promise<void>;
}

/** An error as results tell of it. */
export interface ToldError {
  readonly code: string;
  readonly message: string;
}

export const CREDENTIALS = async (): Promise<typeof DOCKER_REGISTRY_USER> => DOCKER_REGISTRY_USER;
const DIRECT: RegistryAccess = { credentials: CREDENTIALS };

const place = ({ registry, repository }: Ground, host = registry.host): string => `oci+http://${host}/${repository}`;

const toldErrors = (results: readonly { readonly error?: ToldError | undefined }[]): ToldError[] =>
  results.flatMap(({ error }) => (error === undefined ? [] : [error]));

function checkCache(ground: Ground): Promise<CheckResult> {
  return check({ source: place(ground), level: "contents", access: DIRECT });
}

const expectWhole = (ground: Ground): Promise<void> => expectWholeCache(place(ground), DIRECT);

async function expectClean(ground: Ground, names: readonly string[]): Promise<void> {
  const { findings } = await checkCache(ground);
  expect(findings.filter(({ severity }) => severity !== "note")).toEqual([]);
  const { registry, repository } = ground;
  const store = openRegistry({ registry: registry.host, repository }, DIRECT);
  expect(await namesOf(store)).toEqual(["index.spack", ...names].sort());
}

async function fill(ground: Ground): Promise<void> {
  await copy({ source: SMALL_CACHE, target: place(ground), access: DIRECT });
}

/** Packages of the fixture store into an empty cache. */
const pushing: Scene = {
  async prepare() {},
  async run(ground, host, access, op) {
    const { store, path } = ground.store;
    const cacheDir = join(ground.folder, "cache");
    const target = place(ground, host);
    const { packages } = await push(
      { store, sysroot: path, cacheDir, target, access, all: true, runEnv: "prefix", jobs: 4 },
      op,
    );
    return toldErrors(packages);
  },
  expectNothingHalf: expectWhole,
  expectDone: (ground) => expectClean(ground, ALL_NAMES),
};

/** Out of a cache into an empty store. */
const installing: Scene = {
  prepare: fill,
  async run(ground, host, access, op) {
    const { packages } = await install(
      {
        sources: [place(ground, host)],
        specs: ["greet-plugin"],
        root: join(ground.folder, "root"),
        cacheDir: join(ground.folder, "cache"),
        access,
        env: process.env,
        jobs: 4,
      },
      op,
    );
    return toldErrors(packages);
  },
  expectNothingHalf: ({ folder }) => expectWholeStore(join(folder, "root"), { registered: true }),
  async expectDone(ground) {
    await installing.expectNothingHalf(ground);
    const { packages } = await verify({ root: join(ground.folder, "root"), specs: [] });
    expect(packages.map(({ name }) => name).sort()).toEqual(ALL_NAMES.filter((name) => name !== "greet-build-tool"));
  },
};

/** Out of a folder into an empty cache. */
const copying: Scene = {
  async prepare() {},
  async run(ground, host, access, op) {
    const { packages, images } = await copy({ source: SMALL_CACHE, target: place(ground, host), access, jobs: 4 }, op);
    return toldErrors([...packages, ...images]);
  },
  expectNothingHalf: expectWhole,
  expectDone: (ground) => expectClean(ground, ALL_NAMES),
};

/** All but one package and what it needs out of a cache. */
const pruning: Scene = {
  prepare: fill,
  async run(ground, host, access, op) {
    const { images } = await prune({ target: place(ground, host), access, keep: ["greeter"], graceMs: 0, jobs: 4 }, op);
    return toldErrors(images);
  },
  expectNothingHalf: expectWhole,
  expectDone: (ground) => expectClean(ground, ["gcc-runtime", "greeter", "libgreet"]),
};

/** Of a cache that has none, or one of other packages. */
const indexing: Scene = {
  async prepare(ground) {
    await copy({ source: SMALL_CACHE, target: place(ground), access: DIRECT, queries: ["libgreet"] });
    await copy({ source: SMALL_CACHE, target: place(ground), access: DIRECT, updateIndex: false });
  },
  async run(ground, host, access, op) {
    const { skipped } = await updateIndex({ source: place(ground, host), access, jobs: 4 }, op);
    return skipped;
  },
  expectNothingHalf: expectWhole,
  expectDone: (ground) => expectClean(ground, ALL_NAMES),
};

export const SCENES = { push: pushing, install: installing, copy: copying, prune: pruning, "update-index": indexing };
