import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RegistryAccess } from "@spkoci/core";
import { createCertificate, DOCKER_REGISTRY_USER, startDockerRegistry } from "@spkoci/testkit";

/** A docker-registry that runs, how spkoci reaches it, and how skopeo does. */
export interface RunningRegistry {
  readonly host: string;
  readonly access: RegistryAccess;
  /** Flags of `skopeo inspect`. */
  readonly inspectFlags: readonly string[];
  /** Flags of `skopeo copy` from this registry. */
  readonly copyFlags: readonly string[];
  close(): Promise<void>;
}

export type RegistryKind = "plain http" | "TLS" | "TLS and Basic auth";

export async function startRegistry(kind: RegistryKind, folder: string): Promise<RunningRegistry> {
  if (kind === "plain http") {
    const { host, close } = await startDockerRegistry();
    return { host, close, access: {}, inspectFlags: ["--tls-verify=false"], copyFlags: ["--src-tls-verify=false"] };
  }
  const tls = await createCertificate();
  const certificates = join(folder, "certificates");
  await mkdir(certificates, { recursive: true });
  await writeFile(join(certificates, "ca.crt"), tls.ca);
  const inspectFlags = ["--cert-dir", certificates];
  const copyFlags = ["--src-cert-dir", certificates];
  if (kind === "TLS") {
    const { host, close } = await startDockerRegistry({ tls });
    return { host, close, access: { ca: tls.ca }, inspectFlags, copyFlags };
  }
  const { host, close } = await startDockerRegistry({ tls, htpasswd: true });
  const { username, password } = DOCKER_REGISTRY_USER;
  return {
    host,
    close,
    access: { ca: tls.ca, credentials: async () => ({ username, password }) },
    inspectFlags: [...inspectFlags, "--creds", `${username}:${password}`],
    copyFlags: [...copyFlags, "--src-creds", `${username}:${password}`],
  };
}
