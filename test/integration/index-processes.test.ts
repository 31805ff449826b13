import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { listCache, type PushOptions, push } from "@spkoci/core";
import {
  buildPackage,
  createTemporaryFolder,
  requireTool,
  startDockerRegistry,
  startFakeRegistry,
  type TemporaryFolder,
  type TestPackage,
} from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeMadeUpStore } from "./support/made-up-store.js";

const WRITERS = 8;
const OWN_PACKAGES = 10;
/** Each process pushes its packages by so many pushes, one after the other. */
const PUSHES = 2;
const ROUNDS = 2;

/** Pushes to the target that it reads from standard input, once for each list of specs. Runs the built library. */
const PUSHER = `
import { createInterface } from "node:readline";
import { push } from "@spkoci/core";
const [store, cacheDir, ...lists] = process.argv.slice(1);
console.log("ready");
for await (const target of createInterface({ input: process.stdin })) {
  for (const specs of lists) await push({ store, cacheDir, target, specs: specs.split(" "), runEnv: "prefix" });
  console.log("done");
}
`;

const shared = buildPackage("shared");
const packagesOf = Array.from({ length: WRITERS }, (_, writer) =>
  Array.from({ length: OWN_PACKAGES }, (_, at) => buildPackage(`w${writer}p${at}`, { dependencies: [shared] })),
);
const all = [shared, ...packagesOf.flat()];

let folder: TemporaryFolder;
let pushers: Pusher[] = [];

beforeAll(async () => {
  folder = await createTemporaryFolder();
  pushers = await Promise.all(
    packagesOf.map((packages, at) => startPusher(join(folder.path, `store-${at}`), packages)),
  );
});
afterAll(async () => {
  for (const { child } of pushers) child.stdin?.end();
  await Promise.all(pushers.map(({ exited }) => exited));
  await folder.remove();
});

interface Pusher {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  /** Resolves when everything is pushed; rejects if the process ends. */
  push(target: string): Promise<void>;
}

async function startPusher(store: string, packages: readonly TestPackage[]): Promise<Pusher> {
  await writeMadeUpStore(store, [shared, ...packages]);
  const part = packages.length / PUSHES;
  const lists = Array.from({ length: PUSHES }, (_, at) => packages.slice(at * part, (at + 1) * part));
  const args = [
    store,
    join(folder.path, "spool"),
    ...lists.map((list) => list.map(({ hash }) => `/${hash}`).join(" ")),
  ];
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  const child = spawn(process.execPath, ["--input-type=module", "-e", PUSHER, ...args], {
    cwd,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout ?? expect.unreachable() })[Symbol.asyncIterator]();
  const expectLine = async (line: string): Promise<void> => {
    const { value } = await lines.next();
    if (value !== line) throw new Error(`a pusher said ${value} and not ${line}`);
  };
  await expectLine("ready");
  return {
    child,
    exited,
    push: async (target) => {
      child.stdin?.write(`${target}\n`);
      await expectLine("done");
    },
  };
}

/** Names in the index of a cache, each of whose packages has the spec of everything that it depends on. */
async function readNames(source: string): Promise<string[]> {
  const { packages, known } = await listCache({ source, allArch: true });
  for (const { spec } of packages) {
    for (const { hash } of spec.dependencies) if (!known.has(hash)) throw new Error(`${spec.name} lacks ${hash}`);
  }
  return packages.map(({ spec }) => spec.name).sort();
}

/** Lets all processes push at once, and reads the index all the time. @returns how often it was read */
async function pushAtOnce(target: string): Promise<number> {
  await startIndex(target);
  let pushing = true;
  let reads = 0;
  const reader = (async () => {
    for (; pushing; reads += 1) await readNames(target);
  })();
  try {
    await Promise.all(pushers.map((pusher) => pusher.push(target)));
  } finally {
    pushing = false;
    await reader;
  }
  return reads;
}

/** Pushes one package, so that there is something to be read from the first moment on. */
async function startIndex(target: string): Promise<void> {
  const options: PushOptions = { store: join(folder.path, "store-0"), cacheDir: join(folder.path, "spool"), target };
  await push({ ...options, specs: [`/${shared.hash}`], runEnv: "prefix" });
}

const names = all.map(({ name }) => name).sort();

describe(`${WRITERS} processes that push at the same time`, () => {
  it.skipIf(!requireTool("docker-registry"))("all have their packages in the index, in docker-registry", async () => {
    const registry = await startDockerRegistry();
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        const target = `${registry.host}/org/cache-${round}`;
        expect(await pushAtOnce(target)).toBeGreaterThan(1);
        expect(await readNames(target)).toEqual(names);
      }
    } finally {
      await registry.close();
    }
  });

  it("all have their packages in the index, in a folder", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const target = `oci:${join(folder.path, `cache-${round}`)}`;
      expect(await pushAtOnce(target)).toBeGreaterThan(1);
      expect(await readNames(target)).toEqual(names);
    }
  });

  it.each([
    ["delays and reorders", {}],
    ["delays and reorders and minds If-Match", { etags: true }],
  ])("all have their packages in the index, in a registry that %s", async (_what, options) => {
    const registry = await startFakeRegistry(options);
    registry.faults = ({ method, path }) => {
      if (!/index\.spack$|tags\/list$/.test(path)) return undefined;
      return method === "PUT" ? { delayMs: Math.random() * 300 } : { replyDelayMs: Math.random() * 30 };
    };
    try {
      const target = `${registry.host}/org/cache`;
      expect(await pushAtOnce(target)).toBeGreaterThan(1);
      expect(await readNames(target)).toEqual(names);
    } finally {
      await registry.close();
    }
  });
});
