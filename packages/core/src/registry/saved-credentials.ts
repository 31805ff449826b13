import { SpkociError } from "../base/errors.js";
import type { Credentials } from "./access.js";
import type { CredentialPlaces } from "./credentials.js";

/** Where credentials went: a file, where they are readable by whoever can read it, or a helper. */
export interface SavedPlace {
  readonly kind: "file" | "helper";
  /** The file's path or the helper's program. */
  readonly name: string;
}

/**
 * Keeps credentials for a registry, replacing older ones: in the helper that docker's config.json names for it, else in that file.
 * @throws SpkociError CREDENTIALS_UNREADABLE, NO_SPACE, STORAGE_FAILED
 */
export async function saveCredentials(
  _registry: string,
  _credentials: Credentials,
  _places: CredentialPlaces,
): Promise<SavedPlace> {
  throw new SpkociError("INTERNAL", "not there yet");
}

/** Forgets what `saveCredentials` kept; undefined if there was nothing. */
export async function eraseCredentials(_registry: string, _places: CredentialPlaces): Promise<SavedPlace | undefined> {
  throw new SpkociError("INTERNAL", "not there yet");
}
