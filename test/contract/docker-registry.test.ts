import { buffer } from "node:stream/consumers";
import { openRegistry, type SpkociEvent } from "@spkoci/core";
import {
  type Certificate,
  createCertificate,
  DOCKER_REGISTRY_USER,
  type DockerRegistry,
  describeStoreContract,
  requireTool,
  seededBlob,
  startDockerRegistry,
} from "@spkoci/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

// A repository for each test of the one server.
let count = 0;
const newName = (): string => {
  count += 1;
  return `org/cache-${count}`;
};

describe.skipIf(!requireTool("docker-registry"))("docker-registry", () => {
  describe("plain and open", () => {
    let registry: DockerRegistry;
    beforeAll(async () => {
      registry = await startDockerRegistry({ deleteEnabled: true });
    });
    afterAll(() => registry?.close());
    describeStoreContract("docker-registry", async () => {
      const repository = { registry: registry.host, repository: newName() };
      return { store: openRegistry(repository), reopen: async () => openRegistry(repository) };
    });
  });

  describe("checklist 28: with layers in parts", () => {
    let registry: DockerRegistry;
    beforeAll(async () => {
      registry = await startDockerRegistry();
    });
    afterAll(() => registry?.close());

    it("has the blob that was sent", async () => {
      const store = openRegistry({ registry: registry.host, repository: newName() }, { chunkSize: 100_000 });
      const blob = seededBlob("in parts", 1_000_001);
      const requests: string[] = [];
      const emit = (event: SpkociEvent): void => {
        if (event.type === "request") requests.push(`${event.method} ${event.status}`);
      };
      await store.put(blob, { emit });
      expect((await buffer(await store.open(blob.descriptor))).equals(blob.bytes)).toBe(true);
      expect(requests.filter((request) => request === "PATCH 202")).toHaveLength(11);
      expect(blob.opens).toBe(1);
    });
  });

  describe.skipIf(!requireTool("openssl"))("with TLS and Basic auth", () => {
    let registry: DockerRegistry;
    let tls: Certificate;
    beforeAll(async () => {
      tls = await createCertificate();
      registry = await startDockerRegistry({ tls, htpasswd: true, deleteEnabled: true });
    });
    afterAll(() => registry?.close());
    describeStoreContract("docker-registry with TLS and Basic auth", async () => {
      const repository = { registry: registry.host, repository: newName() };
      const access = { ca: tls.ca, credentials: async () => DOCKER_REGISTRY_USER };
      return { store: openRegistry(repository, access), reopen: async () => openRegistry(repository, access) };
    });
  });
});
