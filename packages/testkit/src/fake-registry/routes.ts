import type { Need } from "./auth.js";
import { answerBlob } from "./blobs.js";
import type { FakeRepository } from "./content.js";
import { errorReply, type FakeReply, type FakeRequest } from "./exchange.js";
import { answerManifest, answerReferrers, answerTags } from "./manifests.js";
import type { FakeRegistryOptions } from "./options.js";
import { answerNewUpload, answerUpload } from "./uploads.js";

/** What a path of the API names. */
export interface Route {
  readonly kind: "base" | "blob" | "new-upload" | "upload" | "manifest" | "tags" | "referrers";
  readonly repository: string;
  /** Digest, tag or session id. */
  readonly reference: string;
}

const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const NAME = `(${COMPONENT}(?:/${COMPONENT})*)`;
const PATTERNS: readonly (readonly [Route["kind"], RegExp])[] = [
  ["new-upload", new RegExp(`^/v2/${NAME}/blobs/uploads/$`)],
  ["upload", new RegExp(`^/v2/${NAME}/blobs/uploads/([^/]+)$`)],
  ["blob", new RegExp(`^/v2/${NAME}/blobs/([^/]+)$`)],
  ["manifest", new RegExp(`^/v2/${NAME}/manifests/([^/]+)$`)],
  ["tags", new RegExp(`^/v2/${NAME}/tags/list$`)],
  ["referrers", new RegExp(`^/v2/${NAME}/referrers/([^/]+)$`)],
];

export function parseRoute(path: string): Route | undefined {
  if (path === "/v2/") return { kind: "base", repository: "", reference: "" };
  for (const [kind, pattern] of PATTERNS) {
    const match = pattern.exec(path);
    if (match) return { kind, repository: match[1] ?? "", reference: decodeURIComponent(match[2] ?? "") };
  }
  return undefined;
}

/** What a token must allow for a request. */
export function needsOf(request: FakeRequest, route: Route): readonly Need[] {
  if (route.kind === "base") return [];
  const reading = request.method === "GET" || request.method === "HEAD";
  const deleting = request.method === "DELETE" && route.kind !== "upload";
  const actions = reading ? ["pull"] : deleting ? ["delete"] : ["pull", "push"];
  const from = route.kind === "new-upload" ? request.query.get("from") : null;
  const mounted = from === null ? [] : [{ repository: from, actions: ["pull"] }];
  return [{ repository: route.repository, actions }, ...mounted];
}

/** The true answer to a request that is allowed. */
export function answerRoute(
  request: FakeRequest,
  route: Route,
  repository: (name: string) => FakeRepository,
  options: FakeRegistryOptions,
  url: string,
): FakeReply {
  const { kind, reference } = route;
  if (kind === "base") return { status: 200, headers: { "docker-distribution-api-version": "registry/2.0" } };
  const here = repository(route.repository);
  const context = { repository: here, options, url, other: repository };
  switch (kind) {
    case "new-upload":
      return answerNewUpload(request, context);
    case "upload":
      return answerUpload(request, context, reference);
    case "blob":
      return answerBlob(request, here, reference, options);
    case "manifest":
      return answerManifest(request, here, reference, options);
    case "tags":
      return answerTags(request, here, options);
    case "referrers":
      return answerReferrers(request, here, reference, options);
    default:
      return errorReply(404, "UNSUPPORTED", "not found");
  }
}
