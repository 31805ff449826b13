/** What a registry takes that others take differently. */
export interface RegistryProfile {
  /** The most bytes that one PATCH of an upload may have, 0 where there is no PATCH; undefined if nothing is known to limit it. */
  readonly patchLimit?: number;
}

/**
 * By host, as the user wrote it. Whatever isn't named takes one PATCH of any length, as docker and podman send it: docker-registry, zot,
 * Harbor, Quay, GitLab, Docker Hub, ACR, Artifactory, ECR.
 */
const PROFILES: readonly (readonly [host: RegExp, profile: RegistryProfile])[] = [
  // "the request body is too large and exceeds the maximum permissible limit of 4.00MiB": 416 (ocx-sh/ocx #237).
  [/^ghcr\.io$/, { patchLimit: 4 * 1024 * 1024 }],
  // "Artifact Registry does not support Docker chunked uploads" (its reference of the Docker API; dotnet/sdk-container-builds #287).
  [/(?:^|-)docker\.pkg\.dev$|^(?:[a-z]+\.)?gcr\.io$/, { patchLimit: 0 }],
];

/** The profile of a registry: `ghcr.io`, `europe-docker.pkg.dev`, `localhost:5000`. */
export function profileOf(registry: string): RegistryProfile {
  return PROFILES.find(([host]) => host.test(registry.toLowerCase()))?.[1] ?? {};
}

/** The size of the parts that a blob is sent in, bytes; undefined where it is sent whole. `asked` is what the user wants. */
export function chunkSizeFor(size: number, asked: number | undefined, profile: RegistryProfile): number | undefined {
  if (asked === undefined) return undefined;
  const chunkSize = Math.min(asked, profile.patchLimit ?? asked);
  return chunkSize > 0 && chunkSize < size ? chunkSize : undefined;
}
