import { RegistryError } from "./registry-error.js";

const CODES = new Set(["BLOB_UPLOAD_INVALID", "BLOB_UPLOAD_UNKNOWN"]);

/** An upload can't go on, for the reason of `cause`; another may be begun. */
export class UploadLost extends RegistryError {
  constructor(cause: RegistryError) {
    const { step, method, status, errors, hint } = cause;
    super(cause.code, { step, method, url: new URL(cause.url) }, cause.message.slice(step.length + 2), {
      cause,
      errors,
      ...(status === undefined ? {} : { status }),
      ...(hint === undefined ? {} : { hint }),
      retry: { retry: true, reason: "the registry lost the upload" },
    });
  }
}

/** The same error, as UploadLost where the registry doesn't know the upload, or not in this state (distribution-spec, Error Codes). */
export function asUploadLost(error: unknown): unknown {
  const isLost = error instanceof RegistryError && error.errors.some(({ code }) => CODES.has(code));
  return isLost ? new UploadLost(error) : error;
}
