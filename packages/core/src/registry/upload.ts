import type { Digest } from "../base/digest.js";
import type { Op } from "../base/op.js";
import type { BlobSource } from "../oci/store.js";
import { resolveLocation } from "./endpoint.js";
import { protocolError, RegistryError } from "./registry-error.js";
import type { RemoteRepository } from "./remote-repository.js";
import { verifiedBody } from "./request-body.js";
import { discard, type HttpResponse } from "./transport.js";
import { asUploadLost } from "./upload-lost.js";

/** How long a registry may take to forget an upload that was given up, ms. */
const CANCEL_TIMEOUT_MS = 2_000;

/** An upload that was begun. */
export interface StartedUpload {
  /** Where the blob is sent to. */
  readonly location: URL;
  /** The shortest part that the registry takes but for the last, bytes (OCI-Chunk-Min-Length). */
  readonly minChunk: number;
}

/** Begins an upload (distribution-spec, POST then PUT). */
export async function startUpload(remote: RemoteRepository, step: string, op?: Op): Promise<StartedUpload> {
  const response = await remote.send({ step, method: "POST", target: "blobs/uploads/", expect: [202] }, op);
  discard(response);
  const location = uploadLocation(response);
  const minChunk = Number(/^\d{1,15}$/.exec(response.header("oci-chunk-min-length") ?? "")?.[0] ?? 0);
  if (location) return { location, minChunk };
  throw protocolError(
    { step, method: "POST", url: response.url },
    "the answer has no usable Location",
    response.status,
  );
}

/** The upload that an answer begins, if it does. The URL is the registry's own affair and is used as it is. */
export function uploadLocation(response: HttpResponse): URL | undefined {
  const location = response.header("location");
  return location === undefined ? undefined : resolveLocation(location, response.url);
}

/**
 * Sends a whole blob to an upload that was begun, and ends it. If the sending fails on this side, or is aborted, the registry is
 * told to forget the upload.
 * @throws RegistryError, UploadLost where it doesn't know the upload; SpkociError SIZE_MISMATCH or DIGEST_MISMATCH for wrong content
 */
export async function sendBlob(
  remote: RemoteRepository,
  step: string,
  location: URL,
  blob: BlobSource,
  op?: Op,
): Promise<void> {
  const { digest, size } = blob.descriptor;
  const target = closingUrl(location, digest);
  const body = verifiedBody({ digest, size }, `blob ${digest}`, (each) => blob.open(each));
  const headers = { "content-type": "application/octet-stream" };
  try {
    discard(await remote.send({ step, method: "PUT", target, headers, body, expect: [201, 204] }, op));
  } catch (error) {
    if (!(error instanceof RegistryError)) await cancelUpload(remote, location);
    throw asUploadLost(error);
  }
}

/** Where an upload is ended: its URL with the digest of what was sent. */
export function closingUrl(location: URL, digest: Digest): URL {
  const url = new URL(location);
  url.search += `${url.search === "" ? "?" : "&"}digest=${encodeURIComponent(digest)}`;
  return url;
}

/** Has the registry forget an upload. Never rejects. */
export async function cancelUpload(remote: RemoteRepository, location: URL): Promise<void> {
  const step = `giving up an upload to ${remote.name}`;
  const signal = AbortSignal.timeout(CANCEL_TIMEOUT_MS);
  try {
    discard(await remote.send({ step, method: "DELETE", target: location, expect: [200, 202, 204] }, { signal }));
  } catch {
    // The registry forgets it by itself in time.
  }
}
