import type { Op } from "../base/op.js";
import type { GrowingBlob } from "../oci/store.js";
import type { RemoteRepository } from "./remote-repository.js";
import { bodyOfBytes } from "./request-body.js";
import { discard } from "./transport.js";
import { cancelUpload, closingUrl, startUpload, uploadLocation } from "./upload.js";

/**
 * Sends a blob while it is being made: one PATCH of unknown length, without Content-Range, and a PUT with the digest, which makes the
 * registry check what it got. docker and podman push so; the distribution-spec knows it as one chunk. If anything fails, the registry
 * is told to forget the upload.
 * @throws RegistryError; what the blob's source or `finished` fails with
 */
export async function streamBlob(remote: RemoteRepository, blob: GrowingBlob, op?: Op): Promise<void> {
  const step = `sending a blob to ${remote.name} while it is made`;
  let { location } = await startUpload(remote, step, op);
  try {
    const body = { size: undefined, open: (each?: Op) => blob.open(each) };
    const headers = { "content-type": "application/octet-stream" };
    // ECR answers 201.
    const expect = [201, 202, 204];
    const response = await remote.send({ step, method: "PATCH", target: location, headers, body, expect }, op);
    discard(response);
    location = uploadLocation(response) ?? location;
    const { digest, size } = await blob.finished;
    const target = closingUrl(location, digest);
    const end = { ...bodyOfBytes(Buffer.alloc(0)), sentBefore: size };
    discard(await remote.send({ step, method: "PUT", target, headers, body: end, expect: [201, 204] }, op));
  } catch (error) {
    await cancelUpload(remote, location);
    throw error;
  }
}
