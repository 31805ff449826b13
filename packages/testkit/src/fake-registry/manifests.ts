import { digestOf, isDigest } from "@spkoci/core";
import type { FakeRepository } from "./content.js";
import { errorReply, type FakeReply, type FakeRequest, jsonReply, UNSUPPORTED } from "./exchange.js";
import type { FakeRegistryOptions } from "./options.js";

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** The members of a manifest or index that a registry looks at. */
interface Parsed {
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config?: Linked;
  readonly layers?: readonly Linked[];
  readonly manifests?: readonly Linked[];
  readonly subject?: Linked;
  readonly annotations?: Record<string, string>;
}

interface Linked {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** HEAD, GET, PUT and DELETE of a manifest by tag or digest. */
export function answerManifest(
  request: FakeRequest,
  repository: FakeRepository,
  reference: string,
  options: FakeRegistryOptions,
): FakeReply {
  if (request.method === "PUT") return putManifest(request, repository, reference, options);
  if (request.method === "DELETE" && options.deletes === false) return UNSUPPORTED;
  const found = repository.findManifest(reference);
  if (!found) return errorReply(404, "MANIFEST_UNKNOWN", "manifest unknown", { reference });
  switch (request.method) {
    case "HEAD":
    case "GET":
      return {
        status: 200,
        headers: {
          "content-type": found.mediaType,
          "docker-content-digest": found.digest,
          ...(options.etags ? { etag: etagOf(found.digest) } : {}),
        },
        body: found.bytes,
      };
    case "DELETE":
      deleteManifest(repository, reference);
      return { status: 202 };
    default:
      return UNSUPPORTED;
  }
}

function etagOf(digest: string): string {
  return `"${digest}"`;
}

function deleteManifest(repository: FakeRepository, reference: string): void {
  if (!isDigest(reference)) {
    repository.tags.delete(reference);
    return;
  }
  repository.manifests.delete(reference);
  for (const [tag, digest] of repository.tags) if (digest === reference) repository.tags.delete(tag);
}

function putManifest(
  request: FakeRequest,
  repository: FakeRepository,
  reference: string,
  options: FakeRegistryOptions,
): FakeReply {
  const bytes = request.body;
  if (bytes.length > (options.manifestLimit ?? 4 * 1024 * 1024)) {
    return errorReply(413, "SIZE_INVALID", "the manifest is too large");
  }
  const digest = digestOf(bytes, isDigest(reference) ? reference : undefined);
  if (isDigest(reference) ? reference !== digest : !TAG.test(reference)) {
    return isDigest(reference)
      ? errorReply(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
      : errorReply(400, "TAG_INVALID", "the tag is not valid");
  }
  const mediaType = request.headers["content-type"] ?? "";
  const manifest = parseManifest(bytes);
  if (!manifest || mediaType === "" || (manifest.mediaType ?? mediaType) !== mediaType) {
    return errorReply(400, "MANIFEST_INVALID", "manifest invalid", { mediaType });
  }
  const missing = missingParts(manifest, repository);
  if (missing.length > 0) {
    const errors = missing.map((part) => ({
      code: "MANIFEST_BLOB_UNKNOWN",
      message: "blob unknown to registry",
      detail: { digest: part },
    }));
    return { ...jsonReply({ errors }), status: 404 };
  }
  const expected = request.headers["if-match"];
  if (options.etags && expected !== undefined) {
    const now = repository.findManifest(reference);
    if (now === undefined || etagOf(now.digest) !== expected) {
      return errorReply(412, "PRECONDITION_FAILED", "the manifest is another one");
    }
  }
  repository.addManifest(
    { descriptor: { mediaType, digest, size: bytes.length }, bytes },
    isDigest(reference) ? undefined : reference,
  );
  const headers: Record<string, string> = {
    location: `/v2/${repository.name}/manifests/${digest}`,
    "docker-content-digest": digest,
  };
  if (manifest.subject && options.referrers !== false) headers["oci-subject"] = manifest.subject.digest;
  return { status: 201, headers };
}

function parseManifest(bytes: Buffer): Parsed | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value !== "object" || value === null) return undefined;
    return (value as { schemaVersion?: unknown }).schemaVersion === 2 ? value : undefined;
  } catch {
    return undefined;
  }
}

function missingParts(manifest: Parsed, repository: FakeRepository): string[] {
  const blobs = [manifest.config, ...(manifest.layers ?? [])].flatMap((part) => (part ? [part.digest] : []));
  const children = (manifest.manifests ?? []).map((part) => part.digest);
  return [
    ...blobs.filter((digest) => !repository.blobs.has(digest)),
    ...children.filter((digest) => !repository.manifests.has(digest)),
  ];
}

/** GET of the referrers of a digest (distribution-spec, Listing referrers). */
export function answerReferrers(
  request: FakeRequest,
  repository: FakeRepository,
  subject: string,
  options: FakeRegistryOptions,
): FakeReply {
  if (options.referrers === false) return errorReply(404, "UNSUPPORTED", "there is no referrers API");
  const wanted = request.query.get("artifactType");
  const manifests = [...repository.manifests].flatMap(([digest, { mediaType, bytes }]) => {
    const manifest = parseManifest(bytes);
    if (manifest?.subject?.digest !== subject) return [];
    const artifactType = manifest.artifactType ?? manifest.config?.mediaType;
    if (wanted !== null && artifactType !== wanted) return [];
    return [{ mediaType, digest, size: bytes.length, artifactType, annotations: manifest.annotations }];
  });
  const type = "application/vnd.oci.image.index.v1+json";
  const filtered = wanted === null ? {} : { "oci-filters-applied": "artifactType" };
  return jsonReply({ schemaVersion: 2, mediaType: type, manifests }, { "content-type": type, ...filtered });
}

const sorted = new WeakMap<FakeRepository, readonly string[]>();

/** Tags in order. For further pages of a list they are sorted again only if there are more or fewer. */
function sortedTags(repository: FakeRepository, isFirstPage: boolean): readonly string[] {
  const known = sorted.get(repository);
  if (known !== undefined && !isFirstPage && known.length === repository.tags.size) return known;
  const tags = [...repository.tags.keys()].sort();
  sorted.set(repository, tags);
  return tags;
}

/** GET of a page of tags, in order (distribution-spec, Listing tags). */
export function answerTags(request: FakeRequest, repository: FakeRepository, options: FakeRegistryOptions): FakeReply {
  if (request.method !== "GET") return UNSUPPORTED;
  if (repository.isEmpty) return errorReply(404, "NAME_UNKNOWN", "repository name not known to registry");
  const last = request.query.get("last");
  const asked = Number(request.query.get("n") ?? Number.POSITIVE_INFINITY);
  const size = Math.min(asked, options.pageSize ?? 1000);
  const left = sortedTags(repository, last === null).filter((tag) => last === null || tag > last);
  const page = left.slice(0, size);
  const end = page.at(-1);
  const more = left.length > page.length && end !== undefined;
  const next = `</v2/${repository.name}/tags/list?n=${size}&last=${encodeURIComponent(end ?? "")}>; rel="next"`;
  return jsonReply({ name: repository.name, tags: page }, more ? { link: next } : {});
}
