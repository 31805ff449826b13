import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import type { Credentials, RegistryAccess } from "./access.js";

/** `accepted`: the registry took the credentials; `not-needed`: it lets anybody in and didn't look at them. */
export type LoginOutcome = "accepted" | "not-needed";

/**
 * Asks a registry whether it takes these credentials; `access.credentials` is not used.
 * @throws SpkociError AUTHENTICATION_REQUIRED if it refuses them, or REGISTRY_*
 */
export async function verifyLogin(
  _registry: string,
  _credentials: Credentials,
  _access: RegistryAccess = {},
  _op?: Op,
): Promise<LoginOutcome> {
  throw new SpkociError("INTERNAL", "not there yet");
}
