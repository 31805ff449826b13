import { openRegistry } from "@spkoci/core";
import {
  createCertificate,
  describeStoreContract,
  type FakeRegistryOptions,
  requireTool,
  type StoreUnderTest,
  startFakeRegistry,
} from "@spkoci/testkit";
import { describe } from "vitest";

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

describeStoreContract("a registry without scope in its challenges, ranges and chunks", () =>
  makeStore({ auth: { type: "bearer", ...USER, omitScope: true }, ranges: false, chunked: false }),
);

describe.skipIf(!requireTool("openssl"))("with TLS", async () => {
  const tls = await createCertificate();
  describeStoreContract("a registry with TLS and Basic auth", () =>
    makeStore({ tls, auth: { type: "basic", ...USER }, redirectBlobs: true }),
  );
});
