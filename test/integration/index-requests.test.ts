import { blobOf, jsonDocument, listCache, OCI_INDEX, openRegistry, updateIndex } from "@spkoci/core";
import { buildPackage, type FakeRegistry, putPackage, startFakeRegistry } from "@spkoci/testkit";
import { afterEach, describe, expect, it } from "vitest";

let registry: FakeRegistry;

afterEach(() => registry.close());

const lib = buildPackage("lib");
const packages = Array.from({ length: 20 }, (_, at) => buildPackage(`p${at}`, { dependencies: [lib] }));

async function startCache(options: Parameters<typeof startFakeRegistry>[0] = {}): Promise<string> {
  registry = await startFakeRegistry(options);
  const store = openRegistry({ registry: registry.host, repository: "org/cache" });
  for (const one of packages) await putPackage(store, one);
  registry.clearRequests();
  return `${registry.host}/org/cache`;
}

/** What was asked for since the last call, each kind of request with how often: `GET manifests 3`. */
function countRequests(): string[] {
  const counts = new Map<string, number>();
  for (const { method, path } of registry.requests) {
    const kind = /\/(index\.spack|manifests|blobs|tags)(\/|$)/.exec(path.replace(/manifests\/index/, "index"))?.[1];
    const key = `${method} ${kind}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  registry.clearRequests();
  return [...counts].map(([key, count]) => `${key} ${count}`).sort();
}

describe("updateIndex at a registry", () => {
  it("asks for two things a package that is new, and for one a package that isn't", async () => {
    const source = await startCache();
    await updateIndex({ source, access: {} });
    expect(countRequests()).toEqual(
      expect.arrayContaining([
        "GET manifests 20",
        "GET blobs 20",
        "GET index.spack 2",
        "PUT index.spack 1",
        "GET tags 2",
      ]),
    );
    await updateIndex({ source, access: {} });
    const again = countRequests();
    expect(again).toContain("HEAD manifests 20");
    expect(again.filter((line) => /PUT|POST|GET manifests/.test(line))).toEqual([]);
  });

  it("keeps what others push while it reads", async () => {
    const source = await startCache({ pageSize: 7 });
    const store = openRegistry({ registry: registry.host, repository: "org/cache" });
    const late = buildPackage("late");
    let pushed: Promise<void> | undefined;
    registry.faults = ({ method, path }) => {
      if (method === "GET" && path.includes("/manifests/p19-")) pushed ??= putPackage(store, late);
      return undefined;
    };
    const result = await updateIndex({ source, access: {} });
    await pushed;
    expect(result.index?.packages).toBe(21);
    expect((await listCache({ source, allArch: true })).packages).toHaveLength(21);
  });

  it("goes on after passing failures and stops at lasting ones, and the next run goes on", async () => {
    const source = await startCache();
    const retry = { attempts: 3, baseMs: 1, maxMs: 1 };
    registry.faults = ({ count, path }) => (path.includes("/manifests/p7-") && count < 3 ? { status: 503 } : undefined);
    expect((await updateIndex({ source, access: { retry } })).totals.read).toBe(20);
    registry.faults = ({ path }) => (path.includes("/manifests/p7-") ? { status: 500 } : undefined);
    await expect(updateIndex({ source, access: { retry }, full: true })).rejects.toMatchObject({
      code: "REGISTRY_REJECTED",
    });
    expect((await listCache({ source, allArch: true })).packages).toHaveLength(20);
  });
});

describe("moving a tag at a registry that minds If-Match", () => {
  it("fails where another moved it between the look and the move", async () => {
    await startCache({ etags: true });
    const store = openRegistry({ registry: registry.host, repository: "org/cache" });
    const index = (n: number) =>
      jsonDocument(OCI_INDEX, { schemaVersion: 2, manifests: [], annotations: { n: String(n) } });
    await store.put(blobOf(lib.layer));
    await store.write(index(1), { tag: "t" });
    registry.faults = ({ method, path }) => {
      if (method === "PUT" && path.endsWith("/t")) registry.repository("org/cache").addManifest(index(2), "t");
      return undefined;
    };
    const from = index(1).descriptor.digest;
    await expect(store.write(index(3), { tag: "t", from })).rejects.toMatchObject({ code: "TAG_MOVED" });
    expect((await store.resolve("t"))?.digest).toBe(index(2).descriptor.digest);
  });
});
