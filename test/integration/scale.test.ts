import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { install, type Op, push, updateIndex } from "@spkoci/core";
import {
  buildPackage,
  createTemporaryFolder,
  type FakeRegistry,
  startFakeRegistry,
  type TemporaryFolder,
} from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeMadeUpStore } from "./support/made-up-store.js";

const FEW = 50;
const MANY = 200;

/** What a run asked of the registry, and what it held open. */
interface Run {
  /** Requests by kind, such as `GET manifests`; those about the index tag apart. */
  readonly requests: Readonly<Record<string, number>>;
  /** At the same time. */
  readonly connections: number;
  /** At the same time and beside those of before the first run; of sockets both ends, since the registry is in this process. */
  readonly openFiles: number;
}

const RUNS = [
  "a push to an empty registry",
  "a push with nothing to do",
  "an install with an empty cache",
  "an install with all layers cached",
  "update-index after a push",
  "update-index with nothing to do",
] as const;

type Runs = Readonly<Record<(typeof RUNS)[number], Run>>;

/** How many requests each package takes, and how many a run takes beside them. */
const REQUESTS: Readonly<Record<(typeof RUNS)[number], readonly [Run["requests"], Run["requests"]]>> = {
  "a push to an empty registry": [
    { "GET manifests": 1, "HEAD blobs": 2, "POST uploads": 2, "PUT blobs": 2, "PUT manifests": 1 },
    {
      "GET index tag": 1,
      "HEAD blobs": 2,
      "POST uploads": 2,
      "PUT blobs": 2,
      "HEAD index tag": 2,
      "PUT index tag": 1,
      "GET tags": 1,
    },
  ],
  "a push with nothing to do": [{ "GET manifests": 1 }, { "HEAD index tag": 1 }],
  "an install with an empty cache": [
    { "GET manifests": 1, "GET blobs": 2 },
    { "GET index tag": 1, "GET blobs": 1 },
  ],
  "an install with all layers cached": [
    { "GET manifests": 1, "GET blobs": 1 },
    { "GET index tag": 1, "GET blobs": 1 },
  ],
  "update-index after a push": [
    { "HEAD manifests": 1 },
    {
      "GET index tag": 2,
      "GET blobs": 2,
      "GET tags": 2,
      "HEAD blobs": 3,
      "POST uploads": 1,
      "PUT blobs": 1,
      "HEAD index tag": 2,
      "PUT index tag": 1,
    },
  ],
  "update-index with nothing to do": [{ "HEAD manifests": 1 }, { "GET index tag": 2, "GET blobs": 4, "GET tags": 1 }],
};

let folder: TemporaryFolder;
let few: Runs;
let many: Runs;

beforeAll(async () => {
  folder = await createTemporaryFolder();
  few = await runAll(FEW);
  many = await runAll(MANY);
}, 170_000);
afterAll(() => folder.remove());

/** Pushes and installs `count` packages of one small file each, all of which depend on the first. */
async function runAll(count: number): Promise<Runs> {
  const place = join(folder.path, String(count));
  const lib = buildPackage("lib");
  const others = Array.from({ length: count - 1 }, (_, at) => buildPackage(`p${at}`, { dependencies: [lib] }));
  await writeMadeUpStore(join(place, "store"), [lib, ...others]);
  const registry = await startFakeRegistry();
  const before = await countOpenFiles();
  const watched = (task: (op: Op) => Promise<unknown>): Promise<Run> => watch(registry, before, task);
  const source = `${registry.host}/org/cache`;
  const cacheDir = join(place, "cache");
  const access = {};
  const pushAll = (op: Op) => push({ store: join(place, "store"), all: true, target: source, cacheDir, access }, op);
  const specs = others.map(({ hash }) => `/${hash}`);
  const installAll = (root: string) => (op: Op) =>
    install({ sources: [source], specs, root: join(place, root), cacheDir, access }, op);
  const reindex = (op: Op) => updateIndex({ source, access }, op);
  try {
    return {
      "a push to an empty registry": await watched(pushAll),
      "a push with nothing to do": await watched(pushAll),
      "an install with an empty cache": await watched(installAll("a")),
      "an install with all layers cached": await watched(installAll("b")),
      "update-index after a push": await watched(reindex),
      "update-index with nothing to do": await watched(reindex),
    };
  } finally {
    await registry.close();
  }
}

async function watch(registry: FakeRegistry, before: number, task: (op: Op) => Promise<unknown>): Promise<Run> {
  registry.clearRequests();
  let openFiles = 0;
  const look = async (): Promise<void> => {
    openFiles = Math.max(openFiles, (await countOpenFiles()) - before);
  };
  const looks: Promise<void>[] = [];
  await task({ emit: ({ type }) => void (type === "request" && looks.push(look())) });
  await Promise.all(looks);
  const requests: Record<string, number> = {};
  for (const { method, path } of registry.requests) {
    const kind = `${method} ${kindOf(path)}`;
    requests[kind] = (requests[kind] ?? 0) + 1;
  }
  return { requests, connections: registry.mostConnections, openFiles };
}

function kindOf(path: string): string {
  if (path.endsWith("/manifests/index.spack")) return "index tag";
  if (path.endsWith("/blobs/uploads/")) return "uploads";
  return /\/(manifests|blobs|tags)\//.exec(path)?.[1] ?? path;
}

async function countOpenFiles(): Promise<number> {
  return (await readdir("/proc/self/fd")).length;
}

/** `perPackage` for each of `count` packages, and `beside`. */
function expected(count: number, [perPackage, beside]: (typeof REQUESTS)[(typeof RUNS)[number]]): Run["requests"] {
  const requests: Record<string, number> = { ...beside };
  for (const [kind, times] of Object.entries(perPackage)) requests[kind] = (requests[kind] ?? 0) + times * count;
  return requests;
}

describe.each(RUNS)("%s", (name) => {
  it("asks for as many things a package whatever their number", () => {
    expect(few[name].requests).toEqual(expected(FEW, REQUESTS[name]));
    expect(many[name].requests).toEqual(expected(MANY, REQUESTS[name]));
  });

  it("holds few connections and files open, whatever the number of packages", () => {
    expect(many[name].connections).toBeLessThanOrEqual(8);
    expect(many[name].openFiles).toBeGreaterThan(0);
    expect(many[name].openFiles).toBeLessThanOrEqual(48);
  });
});
