import { join } from "node:path";
import { type RegistryAccess, SpkociError, type SpkociEvent } from "@spkoci/core";
import {
  createTemporaryFolder,
  DOCKER_REGISTRY_USER,
  type DockerRegistry,
  type FixtureStore,
  requireTool,
  startDockerRegistry,
  startFaultProxy,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CREDENTIALS, type Ground, SCENES, type ToldError } from "./scenes.js";
import { readSeeds } from "./seeds.js";

const SEEDS = readSeeds(process.env.SPKOCI_FAULT_SEEDS ?? "1-40");
const NAMES = Object.keys(SCENES) as (keyof typeof SCENES)[];

/** Short, so that a run takes about a second. */
const PATIENCE: RegistryAccess = {
  credentials: CREDENTIALS,
  retry: { attempts: 5, baseMs: 2, maxMs: 10 },
  idleTimeoutMs: 400,
};

const { username, password } = DOCKER_REGISTRY_USER;
const BASIC = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

/** What all runs came to. */
const tally = {
  clean: 0,
  told: 0,
  requests: 0,
  retries: 0,
  faults: new Map<string, number>(),
  errors: new Map<string, number>(),
};

let registry: DockerRegistry;
let store: FixtureStore;
let folder: TemporaryFolder;

const count = (of: Map<string, number>, key: string, by = 1): void => void of.set(key, (of.get(key) ?? 0) + by);

/** The failures that a run told of; an error that isn't a SpkociError is thrown. */
async function outcomeOf(run: Promise<readonly ToldError[]>): Promise<readonly ToldError[]> {
  try {
    return await run;
  } catch (error) {
    if (error instanceof SpkociError) return [error];
    throw error;
  }
}

describe.skipIf(!requireTool("docker-registry"))("a registry that does wrong on purpose", () => {
  beforeAll(async () => {
    [registry, store, folder] = await Promise.all([
      startDockerRegistry({ htpasswd: true, deleteEnabled: true }),
      unpackFixtureStore(),
      createTemporaryFolder(),
    ]);
  });

  afterAll(async () => {
    await Promise.all([registry.close(), store.remove(), folder.remove()]);
    const listed = (map: ReadonlyMap<string, number>): string =>
      [...map]
        .sort()
        .map(([name, times]) => `${name} ${times}`)
        .join(", ");
    console.log(
      `${SEEDS.length} seeds: ${tally.clean} runs succeeded, ${tally.told} ended with errors (${listed(tally.errors)}); ` +
        `${tally.requests} requests, ${tally.retries} repeated, faults: ${listed(tally.faults)}`,
    );
  });

  it.each(SEEDS)("leaves nothing half-done behind, and a second run completes: seed %i", async (seed) => {
    const name = NAMES[seed % NAMES.length] as (typeof NAMES)[number];
    const scene = SCENES[name];
    const ground: Ground = {
      registry,
      store,
      folder: join(folder.path, String(seed)),
      repository: `faults/seed-${seed}`,
    };
    await scene.prepare(ground);

    const proxy = await startFaultProxy({ target: registry.host, seed, authorization: BASIC });
    const op = {
      emit({ type }: SpkociEvent) {
        if (type === "retry") tally.retries += 1;
      },
    };
    const errors = await outcomeOf(scene.run(ground, proxy.host, PATIENCE, op)).finally(() => proxy.close());
    tally.requests += proxy.requests;
    for (const [kind, times] of proxy.faults) count(tally.faults, kind, times);

    expect(proxy.leaks, "credentials that went to another host").toBe(0);
    for (const { code, message } of errors) {
      count(tally.errors, code);
      expect(message, name).toMatch(/^[^\p{Cc}]{10,500}$/u);
      expect(message).not.toMatch(/undefined|\[object|null/);
    }
    if (errors.length > 0) {
      tally.told += 1;
      await scene.expectNothingHalf(ground);
    } else {
      tally.clean += 1;
      await scene.expectDone(ground);
    }

    expect(await scene.run(ground, registry.host, { credentials: CREDENTIALS })).toEqual([]);
    await scene.expectDone(ground);
  });
});
