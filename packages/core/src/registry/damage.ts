import { SpkociError } from "../base/errors.js";
import type { Retryable } from "../base/retry.js";
import { classifyRegistryError } from "./registry-error.js";

/** How often a document that came damaged is fetched again. */
const RETRIES = 2;

/**
 * For one document: what `classifyRegistryError` says, and that content with another digest than it should have is fetched again, as long
 * as it may have been damaged on the way.
 */
export function classifyDamage(): (error: unknown) => Retryable {
  let left = RETRIES;
  return (error) => {
    if (!(error instanceof SpkociError) || error.code !== "DIGEST_MISMATCH") return classifyRegistryError(error);
    left -= 1;
    return left < 0 ? { retry: false } : { retry: true, reason: "what came has another digest" };
  };
}
