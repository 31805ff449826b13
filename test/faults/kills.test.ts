import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { check, openLayout, openRegistry, type Store, verify } from "@spkoci/core";
import {
  createTemporaryFolder,
  type DockerRegistry,
  type FixtureStore,
  namesOf,
  requireTool,
  SMALL_CACHE,
  startDockerRegistry,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runSpkoci, startSpkoci } from "../e2e/support/run-spkoci.js";
import { ALL_NAMES, expectWholeCache, expectWholeStore } from "./expect-whole.js";

/** Kills of each command, at moments that follow each other over the length of one whole run. */
const KILLS = Number(process.env.SPKOCI_KILLS ?? 8);

let folder: TemporaryFolder;
let store: FixtureStore;

beforeAll(async () => {
  [folder, store] = await Promise.all([createTemporaryFolder(), unpackFixtureStore()]);
});

afterAll(async () => {
  await Promise.all([folder.remove(), store.remove()]);
});

/** Runs the program and kills it after so long, unless it has ended; resolves to whether it was killed. */
async function killAfter(words: readonly string[], waiting: () => Promise<unknown>): Promise<boolean> {
  const { process: child, ended } = startSpkoci(words, { cwd: folder.path });
  await Promise.race([waiting(), ended]);
  child.kill("SIGKILL");
  return (await ended).exitCode === undefined;
}

/** How long a whole run takes, ms. */
async function lengthOf(words: readonly string[]): Promise<number> {
  const started = performance.now();
  expect(await runSpkoci(words, { cwd: folder.path })).toMatchObject({ exitCode: 0 });
  return performance.now() - started;
}

const pushWords = (target: string): string[] => {
  const from = ["--store", store.store, "--sysroot", store.path];
  return ["push", "--all", "--run-env", "prefix", "--force", ...from, target];
};

async function killPushes(
  target: (round: number | string) => string,
  open: (round: number | string) => Promise<Store>,
): Promise<void> {
  const length = await lengthOf(pushWords(target("whole")));
  let killed = 0;
  for (let round = 0; round < KILLS; round += 1) {
    const words = pushWords(target(round));
    if (await killAfter(words, () => sleep((length * (round + 1)) / (KILLS + 1)))) killed += 1;
    await expectWholeCache(target(round), {});
    expect(await runSpkoci(words, { cwd: folder.path })).toMatchObject({ exitCode: 0 });
    const { findings } = await check({ source: target(round), level: "contents" });
    expect(findings.filter(({ severity }) => severity !== "note")).toEqual([]);
    expect(await namesOf(await open(round))).toEqual(["index.spack", ...ALL_NAMES].sort());
  }
  expect(killed).toBeGreaterThan(KILLS / 3);
}

describe("a push that is killed", () => {
  it("leaves a folder in which every tag is whole, and the next run completes it", () => {
    const place = (round: number | string): string => join(folder.path, `cache-${round}`);
    return killPushes(
      (round) => `oci:${place(round)}`,
      (round) => openLayout(place(round)),
    );
  });

  describe.skipIf(!requireTool("docker-registry"))("to docker-registry", () => {
    let registry: DockerRegistry;

    beforeAll(async () => {
      registry = await startDockerRegistry();
    });

    afterAll(() => registry.close());

    it("leaves a cache in which every tag is whole, and the next run completes it", () =>
      killPushes(
        (round) => `oci+http://${registry.host}/kills/${round}`,
        async (round) => openRegistry({ registry: registry.host, repository: `kills/${round}` }),
      ));
  });
});

describe("an install that is killed", () => {
  it("leaves a true database and whole prefixes, between the move of a prefix and its registration too", async () => {
    const words = (root: string): string[] => ["install", "--root", root, "--no-cache", SMALL_CACHE, "greet-plugin"];
    const length = await lengthOf(words(join(folder.path, "root-whole")));
    let killed = 0;
    for (let round = 0; round < KILLS; round += 1) {
      const root = join(folder.path, `root-${round}`);
      const waiting =
        round % 2 === 0
          ? () => sleep((length * (round + 1)) / (KILLS + 1))
          : () => untilPrefixes(root, 1 + (round % 4));
      if (await killAfter(words(root), waiting)) killed += 1;
      await expectWholeStore(root, { registered: false });
      expect(await runSpkoci(words(root), { cwd: folder.path })).toMatchObject({ exitCode: 0 });
      await expectWholeStore(root, { registered: true });
      const { packages } = await verify({ root, specs: [] });
      expect(packages).toHaveLength(4);
    }
    expect(killed).toBeGreaterThan(KILLS / 3);
  });
});

/** Waits until so many prefixes are where they belong. */
async function untilPrefixes(root: string, count: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  const platform = join(root, "linux-x86_64_v3");
  while (Date.now() < deadline) {
    if (existsSync(platform) && (await readdir(platform)).length >= count) return;
    await setImmediate();
  }
}
