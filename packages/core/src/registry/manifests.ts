import { algorithmOf, type Digest, digestOf, isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import type { Op } from "../base/op.js";
import { verifyBytes } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import type { Document } from "../oci/document.js";
import { isIndexType, isManifestType, MANIFEST_ACCEPT } from "../oci/media-type.js";
import { MANIFEST_LIMIT, type WriteOptions } from "../oci/store.js";
import { tagMoved } from "../oci/tag-moved.js";
import { classifyDamage } from "./damage.js";
import { checkReference } from "./reference.js";
import { protocolError } from "./registry-error.js";
import type { RemoteRepository } from "./remote-repository.js";
import { bodyOfBytes } from "./request-body.js";
import { discard, type HttpResponse } from "./transport.js";

const HEADERS = { accept: MANIFEST_ACCEPT };

/** What a tag or digest names, by HEAD; where the answer doesn't tell enough, by reading it (distribution-spec, Pulling manifests). */
export async function resolveManifest(
  remote: RemoteRepository,
  reference: string,
  op?: Op,
): Promise<Descriptor | undefined> {
  const step = `looking for ${nameOf(remote, reference)}`;
  const target = `manifests/${checkReference(reference)}`;
  const response = await remote.request({ step, method: "HEAD", target, headers: HEADERS, expect: [200, 404] }, op);
  discard(response);
  if (response.status === 404) return undefined;
  const mediaType = contentTypeOf(response);
  const digest = response.header("docker-content-digest") ?? "";
  const size = Number(response.header("content-length") ?? Number.NaN);
  const known = isIndexType(mediaType) || isManifestType(mediaType);
  if (!known || !isDigest(digest) || !(size > 0)) return (await readManifest(remote, reference, op))?.descriptor;
  refuseOtherDigest(reference, digest, nameOf(remote, reference));
  return { mediaType, digest: isDigest(reference) ? reference : digest, size };
}

/**
 * The document that a tag or digest names; its bytes have the digest that was asked for, or that the registry says they have. One that comes
 * damaged is fetched again.
 */
export async function readManifest(
  remote: RemoteRepository,
  reference: string,
  op?: Op,
): Promise<Document | undefined> {
  const name = nameOf(remote, reference);
  const step = `pulling ${name}`;
  const target = `manifests/${checkReference(reference)}`;
  return remote.client.retrying(
    step,
    async () => {
      const response = await remote.send({ step, method: "GET", target, headers: HEADERS, expect: [200, 404] }, op);
      if (response.status === 404) {
        discard(response);
        return undefined;
      }
      const bytes = await response.collect(MANIFEST_LIMIT, name);
      const inside = mediaTypeInside(bytes);
      const mediaType = mediaTypeOutside(response) ?? inside;
      if (mediaType === undefined) {
        const problem = `the answer is no manifest but ${contentTypeOf(response) || "of no type"}`;
        throw protocolError({ step, method: "GET", url: response.url }, problem, response.status);
      }
      const actual = digestOf(bytes);
      for (const claimed of [reference, response.header("docker-content-digest") ?? ""]) {
        refuseOtherContent(claimed, actual, bytes, name);
      }
      if (inside !== undefined && inside !== mediaType) {
        throw new SpkociError("DOCUMENT_INVALID", `${name} is served as ${mediaType} but says it is ${inside}`);
      }
      const digest = isDigest(reference) ? reference : actual;
      return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
    },
    op,
    classifyDamage(),
  );
}

/**
 * Puts a document under a tag, or else under its digest (distribution-spec, Pushing manifests).
 * @returns whether the registry says that it took note of the document's subject
 * @throws SpkociError TAG_MOVED where the registry minds If-Match and the tag isn't at `from`
 */
export async function writeManifest(
  remote: RemoteRepository,
  document: Document,
  { tag, from }: WriteOptions,
  op?: Op,
): Promise<boolean> {
  const { mediaType, digest } = document.descriptor;
  const reference = checkReference(tag ?? digest);
  const name = nameOf(remote, reference);
  if (document.bytes.length > MANIFEST_LIMIT) {
    throw new SpkociError("DOCUMENT_TOO_LARGE", `${name} would be larger than ${MANIFEST_LIMIT} bytes`);
  }
  verifyBytes(document.bytes, document.descriptor, name);
  const condition = tag === undefined || from === undefined ? {} : await conditionFor(remote, tag, from, op);
  const response = await remote.request(
    {
      step: `pushing ${name}`,
      method: "PUT",
      target: `manifests/${reference}`,
      headers: { "content-type": mediaType, ...condition },
      body: bodyOfBytes(document.bytes),
      expect: [200, 201, 202, 412],
    },
    op,
  );
  discard(response);
  if (response.status === 412) throw tagMoved(remote.name, reference);
  refuseOtherDigest(response.header("docker-content-digest") ?? "", digest, name);
  return response.header("oci-subject") !== undefined;
}

/** Looks where a tag is right before it is moved. The headers let a registry that offers an ETag do the same as it moves it. */
async function conditionFor(
  remote: RemoteRepository,
  tag: string,
  from: Digest | "nothing",
  op: Op | undefined,
): Promise<Readonly<Record<string, string>>> {
  const step = `looking for ${nameOf(remote, tag)}`;
  const response = await remote.request(
    { step, method: "HEAD", target: `manifests/${tag}`, headers: HEADERS, expect: [200, 404] },
    op,
  );
  discard(response);
  const digest = response.header("docker-content-digest");
  const now = response.status === 404 ? "nothing" : digest || (await readManifest(remote, tag, op))?.descriptor.digest;
  if (now !== from) throw tagMoved(remote.name, tag);
  const etag = response.header("etag");
  return response.status === 200 && etag !== undefined ? { "if-match": etag } : {};
}

function nameOf(remote: RemoteRepository, reference: string): string {
  return `manifest ${remote.name}${isDigest(reference) ? "@" : ":"}${reference}`;
}

/** Without parameters, lower case; empty if there is none. */
function contentTypeOf(response: HttpResponse): string {
  return (response.header("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** The Content-Type if it is a manifest's or an index's. */
function mediaTypeOutside(response: HttpResponse): string | undefined {
  const type = contentTypeOf(response);
  return isManifestType(type) || isIndexType(type) ? type : undefined;
}

/** What the document says that it is, if that is a manifest or an index. */
function mediaTypeInside(bytes: Buffer): string | undefined {
  try {
    const { mediaType } = JSON.parse(bytes.toString("utf8")) as { readonly mediaType?: unknown };
    const known = typeof mediaType === "string" && (isManifestType(mediaType) || isIndexType(mediaType));
    return known ? mediaType : undefined;
  } catch {
    return undefined;
  }
}

/** Does nothing where `claimed` is not a digest: a tag, or a header that isn't there or is of an unknown algorithm. */
function refuseOtherContent(claimed: string, actual: Digest, bytes: Uint8Array, name: string): void {
  if (claimed === actual || !isDigest(claimed)) return;
  refuseOtherDigest(claimed, digestOf(bytes, claimed), name);
}

/** Does nothing where `claimed` is not a digest, or one of another algorithm. */
function refuseOtherDigest(claimed: string, actual: Digest, name: string): void {
  if (!isDigest(claimed) || claimed === actual || algorithmOf(claimed) !== algorithmOf(actual)) return;
  throw new SpkociError("DIGEST_MISMATCH", `${name} should have digest ${claimed} but has ${actual}`, {
    hint: "The content is damaged or was replaced.",
  });
}
