import { digestOf, isDigest } from "@spkoci/core";
import type { FakeRepository, UploadSession } from "./content.js";
import { errorReply, type FakeReply, type FakeRequest, UNSUPPORTED } from "./exchange.js";
import type { FakeRegistryOptions } from "./options.js";

/** What answering an upload needs to know beside the request. */
export interface UploadContext {
  readonly repository: FakeRepository;
  readonly options: FakeRegistryOptions;
  /** The registry's own URL, without a slash at its end. */
  readonly url: string;
  /** The repository that a mount names. */
  readonly other: (name: string) => FakeRepository | undefined;
}

/** POST: a mount, a whole blob at once, or a new session (distribution-spec, Pushing blobs). */
export function answerNewUpload(request: FakeRequest, context: UploadContext): FakeReply {
  if (request.method !== "POST") return UNSUPPORTED;
  const { repository, options } = context;
  const mount = request.query.get("mount");
  const from = request.query.get("from");
  if (mount !== null && from !== null && options.mounts !== false) {
    const bytes = context.other(from)?.blobs.get(mount);
    if (bytes) {
      repository.blobs.set(mount, bytes);
      return created(context, mount);
    }
  }
  const digest = request.query.get("digest");
  if (digest !== null && options.singlePost !== false) return finish(context, request.body, digest);
  if (digest === null && request.body.length > 0) {
    return errorReply(400, "BLOB_UPLOAD_INVALID", "a POST without digest has no body");
  }
  return sessionReply(202, repository.startUpload(), context);
}

/** GET, PATCH, PUT and DELETE of a session. */
export function answerUpload(request: FakeRequest, context: UploadContext, id: string): FakeReply {
  const { repository, options } = context;
  const session = repository.uploads.get(id);
  if (!session) return errorReply(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
  const current = new URLSearchParams(`_state=${session.state}`).get("_state");
  switch (request.method) {
    case "GET":
      if (options.chunksAsEcr) return errorReply(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
      return sessionReply(204, session, context);
    case "DELETE":
      repository.uploads.delete(id);
      return { status: 204 };
    case "PATCH":
      if (options.chunked === false) return UNSUPPORTED;
      return request.query.get("_state") === current ? appendChunk(request, context, session) : staleLocation();
    case "PUT":
      return request.query.get("_state") === current ? closeSession(request, context, session) : staleLocation();
    default:
      return UNSUPPORTED;
  }
}

function staleLocation(): FakeReply {
  return errorReply(400, "BLOB_UPLOAD_INVALID", "the upload state is not that of the last Location");
}

function appendChunk(request: FakeRequest, context: UploadContext, session: UploadSession): FakeReply {
  const refused = checkRange(request, context, session);
  if (refused) return refused;
  if (request.body.length > (context.options.chunkMaxLength ?? Number.POSITIVE_INFINITY)) {
    return errorReply(416, "RANGE_INVALID", "the request body is too large");
  }
  if (session.endedShort) return errorReply(400, "SIZE_INVALID", "only the last chunk may be short");
  session.endedShort = request.body.length < (context.options.chunkMinLength ?? 0);
  const isFirst = session.bytes.length === 0;
  if (isFirst) session.firstChunk = request.body.length;
  context.repository.appendUpload(session, request.body);
  return sessionReply(context.options.chunksAsEcr ? 201 : 202, session, context);
}

function closeSession(request: FakeRequest, context: UploadContext, session: UploadSession): FakeReply {
  const digest = request.query.get("digest");
  if (digest === null) return errorReply(400, "DIGEST_INVALID", "the digest is missing");
  const refused = checkRange(request, context, session);
  if (refused) return refused;
  context.repository.uploads.delete(session.id);
  return finish(context, Buffer.concat([session.bytes, request.body]), digest);
}

/** A chunk starts where the last one ended, and is as long as it says. */
function checkRange(request: FakeRequest, context: UploadContext, session: UploadSession): FakeReply | undefined {
  const header = request.headers["content-range"];
  if (header === undefined) return undefined;
  const range = /^(\d+)-(\d+)$/.exec(header);
  const fits =
    range &&
    Number(range[1]) === session.bytes.length &&
    Number(range[2]) - Number(range[1]) + 1 === request.body.length;
  if (fits) return undefined;
  const error = errorReply(416, "RANGE_INVALID", "the chunk is out of order");
  return { ...error, headers: { ...error.headers, ...sessionReply(416, session, context).headers } };
}

function finish(context: UploadContext, bytes: Buffer, digest: string): FakeReply {
  if (!isDigest(digest) || digestOf(bytes, digest) !== digest) {
    return errorReply(400, "DIGEST_INVALID", "provided digest did not match uploaded content", { digest });
  }
  context.repository.blobs.set(digest, bytes);
  return created(context, digest);
}

function created(context: UploadContext, digest: string): FakeReply {
  const location = `/v2/${context.repository.name}/blobs/${digest}`;
  return { status: 201, headers: { location, "docker-content-digest": digest } };
}

function sessionReply(status: number, session: UploadSession, context: UploadContext): FakeReply {
  const { repository, options } = context;
  const path = `/v2/${repository.name}/blobs/uploads/${session.id}?_state=${session.state}`;
  const headers: Record<string, string> = {
    location: options.absoluteLocations ? context.url + path : path,
    range: `0-${Math.max(0, (options.chunksAsEcr ? session.firstChunk : session.bytes.length) - 1)}`,
    "docker-upload-uuid": session.id,
  };
  if (options.chunkMinLength !== undefined) headers["oci-chunk-min-length"] = String(options.chunkMinLength);
  return { status, headers };
}
