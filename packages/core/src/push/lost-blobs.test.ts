import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FakeRegistry, type FixtureStore, startFakeRegistry, unpackFixtureStore } from "@spkoci/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SpkociEvent } from "../base/events.js";
import { push } from "./push.js";
import type { PushResult } from "./result.js";

let registry: FakeRegistry;
let store: FixtureStore;
let cacheDir: string;

beforeEach(async () => {
  registry = await startFakeRegistry();
  store = await unpackFixtureStore();
  cacheDir = await mkdtemp(join(tmpdir(), "spkoci-lost-"));
});
afterEach(async () => {
  await Promise.all([registry.close(), store.remove(), rm(cacheDir, { recursive: true })]);
});

function pushGreeter(events: SpkociEvent[] = []): Promise<PushResult> {
  const target = `${registry.host}/cache`;
  const options = {
    store: store.store,
    sysroot: store.path,
    specs: ["greeter"],
    target,
    cacheDir,
    runEnv: "prefix",
  } as const;
  return push(options, { emit: (event) => events.push(event) });
}

/** Every blob that the image of greeter names is there. */
function expectWhole(): void {
  const { tags, manifests, blobs } = registry.repository("cache");
  const [, digest = ""] = [...tags].find(([tag]) => tag.startsWith("greeter-")) ?? [];
  const { config, layers } = JSON.parse(manifests.get(digest)?.bytes.toString() ?? "") as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  expect(layers).toHaveLength(3);
  for (const part of [config, ...layers]) expect(blobs.has(part.digest), part.digest).toBe(true);
}

describe("checklist 39: a registry that has lost layers when the manifest comes", () => {
  it.each(["names them", "does not name them"])("and %s gets them once more", async (says) => {
    let hasLost = false;
    registry.faults = ({ method, path }) => {
      if (hasLost || method !== "PUT" || !/manifests\/greeter-/.test(path)) return undefined;
      hasLost = true;
      registry.repository("cache").blobs.clear();
      const body = { errors: [{ code: "MANIFEST_BLOB_UNKNOWN", message: "blob unknown to registry" }] };
      return says === "names them" ? undefined : { status: 404, body };
    };
    const events: SpkociEvent[] = [];
    const result = await pushGreeter(events);
    expect(result.totals).toMatchObject({ pushed: 3, failed: 0 });
    expect(registry.repository("cache").tags.size).toBe(4);
    expectWhole();
    expect(events.filter((event) => event.type === "warning" && event.message.includes("has lost blob"))).toHaveLength(
      3,
    );
  });

  it("and loses them again fails that package alone", async () => {
    registry.faults = ({ method, path }) => {
      if (method === "PUT" && /manifests\/greeter-/.test(path)) registry.repository("cache").blobs.clear();
      return undefined;
    };
    const { packages } = await pushGreeter();
    expect(packages.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      "gcc-runtime pushed",
      "libgreet pushed",
      "greeter failed",
    ]);
    expect(registry.requestsOf("PUT", /manifests\/greeter-/)).toHaveLength(2);
  });
});
