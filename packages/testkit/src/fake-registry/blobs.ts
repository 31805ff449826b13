import type { FakeRepository } from "./content.js";
import { errorReply, type FakeReply, type FakeRequest, UNSUPPORTED } from "./exchange.js";
import type { FakeRegistryOptions } from "./options.js";

/** HEAD, GET and DELETE of a blob. */
export function answerBlob(
  request: FakeRequest,
  repository: FakeRepository,
  digest: string,
  options: FakeRegistryOptions,
): FakeReply {
  const bytes = repository.blobs.get(digest);
  if (!bytes) return errorReply(404, "BLOB_UNKNOWN", "blob unknown to registry", { digest });
  switch (request.method) {
    case "HEAD":
    case "GET":
      return contentReply(request, bytes, digest, options);
    case "DELETE":
      if (options.deletes === false) return UNSUPPORTED;
      repository.blobs.delete(digest);
      return { status: 202 };
    default:
      return UNSUPPORTED;
  }
}

/** A blob's bytes, or the part of them that Range asks for (RFC 9110, 14.2). */
export function contentReply(
  request: FakeRequest,
  bytes: Buffer,
  digest: string,
  options: FakeRegistryOptions,
): FakeReply {
  const headers = {
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    ...(options.ranges === false ? {} : { "accept-ranges": "bytes" }),
  };
  const range = options.ranges === false ? undefined : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  if (!range) return { status: 200, headers, body: bytes };
  const from = Number(range[1]);
  const to = range[2] ? Math.min(Number(range[2]), bytes.length - 1) : bytes.length - 1;
  if (from >= bytes.length || to < from) {
    const refused = errorReply(416, "RANGE_INVALID", "invalid range");
    return { ...refused, headers: { ...refused.headers, "content-range": `bytes */${bytes.length}` } };
  }
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${from}-${to}/${bytes.length}` },
    body: bytes.subarray(from, to + 1),
  };
}
