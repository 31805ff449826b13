import type { Location } from "./parse-location.js";

/** The repository that blobs of `from` can be mounted from into `to`: another one of the same registry. */
export function mountSource(from: Location, to: Location): string | undefined {
  if (from.kind !== "registry" || to.kind !== "registry") return undefined;
  if (from.repository.registry !== to.repository.registry) return undefined;
  return from.repository.repository === to.repository.repository ? undefined : from.repository.repository;
}
