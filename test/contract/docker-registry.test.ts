import { openRegistry } from "@spkoci/core";
import {
  type Certificate,
  createCertificate,
  DOCKER_REGISTRY_USER,
  type DockerRegistry,
  describeStoreContract,
  requireTool,
  startDockerRegistry,
} from "@spkoci/testkit";
import { afterAll, beforeAll, describe } from "vitest";

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
