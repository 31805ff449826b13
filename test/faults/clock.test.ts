import { join } from "node:path";
import {
  copy,
  type InstallOptions,
  install,
  openRegistry,
  type PushOptions,
  push,
  type RegistryAccess,
} from "@spkoci/core";
import {
  createTemporaryFolder,
  type FakeRegistry,
  type FixtureStore,
  namesOf,
  SMALL_CACHE,
  startFakeRegistry,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ALL_NAMES, expectWholeCache, expectWholeStore } from "./expect-whole.js";

const USER = { username: "clock", password: "tick-tock" };
const ACCESS: RegistryAccess = { credentials: async () => USER };
/** Each request takes so long, so that tokens end while a command runs, ms. */
const DELAY_MS = 20;
/** Of a token, ms. One is renewed when this part of its life is over, as `Authorizer` has it. */
const LIFETIME_MS = 200;
const LIFE_SHARE = 0.8;
const DAY_MS = 86_400_000;
const CLOCKS = {
  "goes a day ahead each time it is read": (reads: number) => reads,
  "goes a day back each time it is read": (reads: number) => -reads,
  "jumps to and fro": (reads: number) => [0, 400, -30, 3, -400][reads % 5] ?? 0,
};

let store: FixtureStore;
let folder: TemporaryFolder;
let registry: FakeRegistry;
let started: number;

beforeAll(async () => {
  store = await unpackFixtureStore();
});
afterAll(() => store.remove());
beforeEach(async () => {
  const auth = { type: "bearer", ...USER, expiresIn: LIFETIME_MS / 1000 } as const;
  [folder, registry] = await Promise.all([createTemporaryFolder(), startFakeRegistry({ auth })]);
});
afterEach(() => Promise.all([folder.remove(), registry.close()]));

const at = (name: string): string => join(folder.path, name);
const place = (): string => `oci+http://${registry.host}/clock`;
const names = (): Promise<string[]> => namesOf(openRegistry({ registry: registry.host, repository: "clock" }, ACCESS));
const NAMES = ["index.spack", ...ALL_NAMES].sort();

/** From here on the system's time is wrong, and the registry slow. */
function bendClock(daysAfter: (reads: number) => number): void {
  const { now } = Date;
  let reads = 0;
  registry.clearRequests();
  registry.faults = () => ({ delayMs: DELAY_MS });
  started = performance.now();
  vi.spyOn(Date, "now").mockImplementation(() => {
    reads += 1;
    return now() + daysAfter(reads) * DAY_MS;
  });
}

/** What a run of so many commands at once tells of times is within what it took, and its tokens were renewed as they ended. */
function expectTrueTimes(results: readonly TimedResult[]): void {
  const took = performance.now() - started;
  for (const { packages, totals } of results) {
    for (const { durationMs } of [...packages, totals]) {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(durationMs).toBeLessThanOrEqual(Math.ceil(took));
    }
  }
  const scopes = registry.requestsOf("GET", /^\/token$/).map(({ query }) => query.get("scope") ?? "");
  const most = (Math.floor(took / (LIFETIME_MS * LIFE_SHARE)) + 1) * results.length;
  const counts = [...new Set(scopes)].map((scope) => scopes.filter((one) => one === scope).length);
  expect(Math.max(...counts), "tokens of one scope").toBeGreaterThan(results.length);
  for (const count of counts) expect(count).toBeLessThanOrEqual(most);
}

interface TimedResult {
  readonly packages: readonly { readonly durationMs: number }[];
  readonly totals: { readonly durationMs: number };
}

describe.each(Object.entries(CLOCKS))("while the system's clock %s", (_, daysAfter) => {
  it("push completes and tells true times; tokens are renewed when they end", async () => {
    const from = { store: store.store, sysroot: store.path, all: true, runEnv: "prefix" } as const;
    const options: PushOptions = { ...from, target: place(), cacheDir: at("cache"), access: ACCESS, jobs: 1 };
    bendClock(daysAfter);
    const result = await push(options);
    expectTrueTimes([result]);
    expect(result.totals).toMatchObject({ failed: 0, pushed: ALL_NAMES.length });
    vi.restoreAllMocks();
    await expectWholeCache(place(), ACCESS);
    expect(await names()).toEqual(NAMES);
  });

  it("two copies into one folder wait for each other and complete", async () => {
    await copy({ source: SMALL_CACHE, target: place(), access: ACCESS });
    const target = `oci:${at("copies")}`;
    bendClock(daysAfter);
    const options = { source: place(), target, access: ACCESS, jobs: 1 };
    const results = await Promise.all([copy(options), copy(options)]);
    expectTrueTimes(results);
    expect(results.map(({ totals }) => totals.failed)).toEqual([0, 0]);
    vi.restoreAllMocks();
    await expectWholeCache(target, {});
  });

  it("two installs into one store wait for each other and complete", async () => {
    await copy({ source: SMALL_CACHE, target: place(), access: ACCESS });
    const root = at("root");
    const base = { sources: [place()], specs: ["greet-plugin"], root, access: ACCESS, env: process.env, jobs: 1 };
    const options: InstallOptions = { ...base, cacheDir: at("cache") };
    bendClock(daysAfter);
    const results = await Promise.all([install(options), install(options)]);
    expectTrueTimes(results);
    expect(results.map(({ totals }) => totals.failed)).toEqual([0, 0]);
    vi.restoreAllMocks();
    await expectWholeStore(root, { registered: true });
  });
});
