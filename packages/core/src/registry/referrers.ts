import type { Digest } from "../base/digest.js";
import { hexOf } from "../base/digest.js";
import type { Op } from "../base/op.js";
import { collect } from "../base/streams.js";
import type { Descriptor } from "../oci/descriptor.js";
import { documentOf } from "../oci/document.js";
import { parseImageIndex } from "../oci/manifest.js";
import { isIndexType, OCI_INDEX } from "../oci/media-type.js";
import { MANIFEST_LIMIT } from "../oci/store.js";
import { resolveLocation } from "./endpoint.js";
import { parseNextLink } from "./link.js";
import { readManifest } from "./manifests.js";
import { protocolError } from "./registry-error.js";
import type { RemoteRepository } from "./remote-repository.js";
import { discard } from "./transport.js";

const MAX_PAGES = 1000;

/** The tag that lists referrers where the registry has no API for them (distribution-spec, Referrers Tag Schema). */
export function referrersTag(digest: Digest): string {
  return `sha256-${hexOf(digest)}`;
}

/** What refers to a digest, by the API or else by its tag (distribution-spec, Listing referrers). */
export async function listReferrers(remote: RemoteRepository, digest: Digest, op?: Op): Promise<readonly Descriptor[]> {
  const step = `listing the referrers of ${digest} in ${remote.name}`;
  const found: Descriptor[] = [];
  const visited = new Set<string>();
  let target: string | URL = `referrers/${digest}`;
  for (;;) {
    const response = await remote.request(
      { step, method: "GET", target, headers: { accept: OCI_INDEX }, expect: [200, 404] },
      op,
    );
    if (response.status === 404) {
      discard(response);
      return listByTag(remote, digest, op);
    }
    const label = { step, method: "GET", url: response.url };
    visited.add(response.url.href);
    const bytes = await collect(response.body, MANIFEST_LIMIT, step);
    found.push(...parseImageIndex(documentOf(OCI_INDEX, bytes), `the list of referrers of ${digest}`).manifests);
    const link = parseNextLink(response.header("link") ?? "");
    if (link === undefined) return found;
    const next = resolveLocation(link, response.url);
    if (!next || visited.has(next.href) || visited.size >= MAX_PAGES) {
      throw protocolError(label, "the pages of the list lead nowhere or in a circle");
    }
    target = next;
  }
}

async function listByTag(remote: RemoteRepository, digest: Digest, op?: Op): Promise<readonly Descriptor[]> {
  const tag = referrersTag(digest);
  const document = await readManifest(remote, tag, op);
  if (document === undefined || !isIndexType(document.descriptor.mediaType)) return [];
  return parseImageIndex(document, `${remote.name}:${tag}`).manifests;
}
