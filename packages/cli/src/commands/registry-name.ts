import { parseLocation, SpkociError } from "@spkoci/core";

/**
 * The host of a registry as users write it for login, in lower case: `ghcr.io`, `localhost:5000`.
 * @throws SpkociError INVALID_REFERENCE
 */
export function parseRegistryName(text: string): string {
  try {
    const location = parseLocation(`oci://${text}/name`);
    if (location.kind === "registry" && !text.includes("/")) return location.repository.registry;
  } catch (cause) {
    throw invalid(text, cause);
  }
  throw invalid(text, undefined);
}

function invalid(text: string, cause: unknown): SpkociError {
  return new SpkociError("INVALID_REFERENCE", `${JSON.stringify(text)} is not the host of a registry`, {
    hint: "Write the host alone, such as ghcr.io or localhost:5000.",
    cause,
  });
}
