import { openRegistry } from "@spkoci/core";
import {
  createCertificate,
  describeStoreContract,
  type FakeRegistryOptions,
  type Fault,
  type FaultHook,
  requireTool,
  type StoreUnderTest,
  seededBlob,
  startFakeRegistry,
} from "@spkoci/testkit";
import { describe, expect, it } from "vitest";

const USER = { username: "ann", password: "s3cret" };

async function makeStore(options: FakeRegistryOptions): Promise<StoreUnderTest> {
  const registry = await startFakeRegistry(options);
  const access = { ca: options.tls?.ca, credentials: async () => (options.auth ? USER : undefined) };
  const open = () => openRegistry({ registry: registry.host, repository: "org/cache" }, access);
  const { blobs, manifests, tags, uploads } = registry.repository("org/cache");
  return {
    store: open(),
    reopen: async () => open(),
    contents: async () => [blobs, manifests, tags, uploads].flatMap((map) => [...map.keys()]),
    close: () => registry.close(),
  };
}

describeStoreContract("a registry", () => makeStore({ pageSize: 7 }));

describeStoreContract("a registry with short-lived tokens, absolute Locations and redirected blobs", () =>
  makeStore({
    auth: { type: "bearer", ...USER, usesPerToken: 25, tokenField: "access_token" },
    absoluteLocations: true,
    redirectBlobs: true,
    pageSize: 7,
  }),
);

describeStoreContract("a registry without scope in its challenges, ranges and chunks, with ETags", () =>
  makeStore({ auth: { type: "bearer", ...USER, omitScope: true }, ranges: false, chunked: false, etags: true }),
);

describe.skipIf(!requireTool("openssl"))("with TLS", async () => {
  const tls = await createCertificate();
  describeStoreContract("a registry with TLS and Basic auth", () =>
    makeStore({ tls, auth: { type: "basic", ...USER }, redirectBlobs: true }),
  );
});

describe("a put that the registry or the network breaks", () => {
  const faults: readonly (readonly [string, Fault])[] = [
    ["503 before the body is read", { status: 503, early: true }],
    ["500 after the body", { status: 500 }],
    ["a connection reset in the middle of the body", { resetAfter: 100_000 }],
    ["a lost answer", { loseReply: true }],
  ];

  it.each(faults)("opens its source again after %s", async (_what, fault) => {
    const faults: FaultHook = ({ method, count }) => (method === "PUT" && count === 1 ? fault : undefined);
    const registry = await startFakeRegistry({ faults });
    try {
      const retry = { attempts: 3, baseMs: 1, maxMs: 5 };
      const store = openRegistry({ registry: registry.host, repository: "org/cache" }, { retry });
      const blob = seededBlob("retried", 1_000_000);
      await store.put(blob);
      expect(registry.repository("org/cache").blobs.get(blob.descriptor.digest)?.equals(blob.bytes)).toBe(true);
      // After a lost answer the registry has the blob, and it is not sent again.
      expect(blob.opens).toBe(fault.loseReply ? 1 : 2);
    } finally {
      await registry.close();
    }
  });
});
