import { isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";

/** A repository of a registry. */
export interface Repository {
  /** Host and port as the user wrote them, `docker.io` for Docker Hub. */
  readonly registry: string;
  /** Path below the registry, lower case: `library/ubuntu`. */
  readonly repository: string;
}

/** A repository with a tag or a digest in it, as in `ubuntu:24.04`. */
export interface ImageReference extends Repository {
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const HOST = /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::\d{1,5})?$/;
const NAME_LIMIT = 255;

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/**
 * A repository, such as `ghcr.io/org/cache`. The registry must be named: a name without one is an error here, because a cache is
 * never meant to land at Docker Hub by accident (spack/spack #51352). Upper case in the path is lowered, as Spack does.
 * @throws SpkociError INVALID_REFERENCE
 */
export function parseRepository(text: string): Repository {
  const slash = text.indexOf("/");
  const host = slash < 0 ? text : text.slice(0, slash);
  if (!looksLikeHost(host) || !HOST.test(host)) {
    throw invalid(
      text,
      "it names no registry",
      "Write the registry too, such as ghcr.io/org/cache or localhost:5000/cache.",
    );
  }
  const repository = slash < 0 ? "" : text.slice(slash + 1).toLowerCase();
  if (repository === "") {
    throw invalid(text, "it has no path after the registry", `Write a repository too, such as ${host}/org/cache.`);
  }
  if (!REPOSITORY.test(repository)) {
    const hint = /[:@]/.test(repository)
      ? "A cache is a repository without a tag or digest: spkoci makes one tag a package."
      : "A repository is lower-case letters, digits and . _ - between slashes.";
    throw invalid(text, "its path is not a repository name", hint);
  }
  return checkedLength(text, { registry: host.toLowerCase(), repository });
}

/**
 * An image, such as `ubuntu:24.04`, `ghcr.io/org/image@sha256:…` or `localhost:5000/image`. Without a registry it means Docker Hub, with
 * `library/` before a single name. Without tag and digest the tag is `latest`.
 * @throws SpkociError INVALID_REFERENCE
 */
export function parseImageReference(text: string): ImageReference {
  const [name, digest] = splitAt(text, text.indexOf("@"));
  if (digest !== undefined && !isDigest(digest))
    throw invalid(text, "its digest is not sha256:<64 hex digits>, nor sha512 with 128");
  const colon = name.lastIndexOf(":");
  const [path, tag] = splitAt(name, colon > name.lastIndexOf("/") ? colon : -1);
  if (tag !== undefined && !isTag(tag)) throw invalid(text, `${JSON.stringify(tag)} is not a tag`);
  const { registry, repository } = qualify(path);
  if (!HOST.test(registry)) throw invalid(text, "its registry is not a host name");
  if (!REPOSITORY.test(repository)) throw invalid(text, "its path is not a repository name");
  const which = digest !== undefined ? { digest } : { tag: tag ?? "latest" };
  return checkedLength(text, { registry, repository, ...which });
}

export function formatRepository(name: Repository): string {
  return `${name.registry}/${name.repository}`;
}

export function formatImageReference(image: ImageReference): string {
  return formatRepository(image) + (image.digest !== undefined ? `@${image.digest}` : `:${image.tag ?? "latest"}`);
}

/** Docker's rule: the first part is a host if it has a dot or a port, or is localhost. */
function looksLikeHost(part: string): boolean {
  return part.includes(".") || part.includes(":") || part.toLowerCase() === "localhost";
}

function qualify(path: string): Repository {
  const slash = path.indexOf("/");
  const first = slash < 0 ? "" : path.slice(0, slash);
  if (!looksLikeHost(first)) return { registry: "docker.io", repository: slash < 0 ? `library/${path}` : path };
  const host = first.toLowerCase();
  const rest = path.slice(slash + 1);
  const hub = host === "docker.io" || host === "index.docker.io" || host === "registry-1.docker.io";
  if (!hub) return { registry: host, repository: rest };
  return { registry: "docker.io", repository: rest.includes("/") ? rest : `library/${rest}` };
}

function splitAt(text: string, at: number): [string, string | undefined] {
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function checkedLength<T extends Repository>(text: string, name: T): T {
  if (formatRepository(name).length > NAME_LIMIT) throw invalid(text, `it is longer than ${NAME_LIMIT} characters`);
  return name;
}

function invalid(text: string, why: string, hint?: string): SpkociError {
  return new SpkociError("INVALID_REFERENCE", `bad reference ${JSON.stringify(text)}: ${why}`, hint ? { hint } : {});
}
