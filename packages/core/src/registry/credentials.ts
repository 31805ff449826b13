import { SpkociError } from "../base/errors.js";
import type { CredentialSource } from "./access.js";

/** Where credentials are looked for and kept. */
export interface CredentialPlaces {
  /** The environment: DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, SPKOCI_USERNAME, SPKOCI_PASSWORD, PATH for helpers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's home folder. */
  readonly home: string;
  /** The registry that SPKOCI_USERNAME and SPKOCI_PASSWORD are for; without it they are not used. */
  readonly registry?: string | undefined;
}

/** A source over the environment, docker's config.json with its helpers, and the auth files of podman and its kin. */
export function createCredentialSource(_places: CredentialPlaces): CredentialSource {
  throw new SpkociError("INTERNAL", "not there yet");
}
