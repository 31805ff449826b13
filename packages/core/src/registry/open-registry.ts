import { SpkociError } from "../base/errors.js";
import type { Repository } from "../oci/reference.js";
import type { Store } from "../oci/store.js";
import type { RegistryAccess } from "./access.js";

/**
 * A repository of a registry as a Store (distribution-spec 1.1). Nothing is sent before the first call.
 * Failures are RegistryErrors with code AUTHENTICATION_REQUIRED, ACCESS_DENIED or REGISTRY_*, or DIGEST_MISMATCH, SIZE_MISMATCH,
 * DOCUMENT_INVALID, DOCUMENT_TOO_LARGE and CREDENTIALS_UNREADABLE.
 */
export function openRegistry(repository: Repository, _access: RegistryAccess = {}): Store {
  throw new SpkociError("INTERNAL", `not there yet: ${repository.registry}`);
}
