import { isDigest } from "../base/digest.js";
import { SpkociError } from "../base/errors.js";
import {
  formatImageReference,
  formatRepository,
  isTag,
  parseImageReference,
  parseRepository,
  type Repository,
} from "../oci/reference.js";

/** Where a cache lives: a repository of a registry, an OCI image-layout folder, or a tar of one. */
export type Location =
  | { readonly kind: "registry"; readonly repository: Repository; readonly plainHttp: boolean }
  | { readonly kind: "layout"; readonly folder: string }
  | { readonly kind: "archive"; readonly file: string };

/** One image in a place; `reference` is a tag or digest, absent where a folder's only image is meant. */
export interface ImageLocation {
  readonly location: Location;
  readonly reference: string | undefined;
}

/**
 * A cache as users write it: `ghcr.io/org/cache`, `oci://ghcr.io/org/cache`, `oci+http://127.0.0.1:5000/cache`, `oci:DIR` or
 * `oci-archive:FILE`.
 * @throws SpkociError INVALID_REFERENCE
 */
export function parseLocation(text: string): Location {
  const onDisk = placeOnDisk(text);
  if (onDisk !== undefined) return onDisk;
  refusePath(text);
  const { rest, plainHttp } = stripScheme(text);
  return { kind: "registry", repository: parseRepository(rest), plainHttp };
}

/**
 * An image as users write it: `ubuntu:24.04` (at Docker Hub), `ghcr.io/org/image@sha256:…`, `oci+http://localhost:5000/image:tag` or
 * `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`.
 * @throws SpkociError INVALID_REFERENCE
 */
export function parseImageLocation(text: string): ImageLocation {
  const onDisk = placeOnDisk(text);
  if (onDisk !== undefined) return imageOnDisk(onDisk);
  refusePath(text);
  const { rest, plainHttp } = stripScheme(text);
  const image = parseImageReference(rest);
  const { registry, repository } = image;
  return {
    location: { kind: "registry", repository: { registry, repository }, plainHttp },
    reference: image.digest ?? image.tag,
  };
}

export function formatLocation(location: Location): string {
  if (location.kind === "archive") return `oci-archive:${location.file}`;
  return location.kind === "layout" ? `oci:${location.folder}` : formatRepository(location.repository);
}

/** An image of a place as a reference to pull or inspect it by. */
export function formatImageAt(location: Location, tag: string): string {
  if (location.kind !== "registry") return `${formatLocation(location)}:${tag}`;
  return formatImageReference({ ...location.repository, tag });
}

type PlaceOnDisk = Exclude<Location, { readonly kind: "registry" }>;

function placeOnDisk(text: string): PlaceOnDisk | undefined {
  const [, scheme, path = ""] = /^(oci|oci-archive):(?!\/\/)(.*)$/s.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  const isArchive = scheme === "oci-archive";
  if (path === "" || path.includes("\0")) {
    throw new SpkociError("INVALID_REFERENCE", `${JSON.stringify(text)} names no ${isArchive ? "file" : "folder"}`, {
      hint: isArchive ? "Write oci-archive:FILE." : "Write oci:DIR.",
    });
  }
  return isArchive ? { kind: "archive", file: path } : { kind: "layout", folder: path };
}

/** The last `:` after the last `/` begins a tag, as skopeo and umoci read it. */
function imageOnDisk(place: PlaceOnDisk): ImageLocation {
  const text = place.kind === "archive" ? place.file : place.folder;
  const location = (path: string): Location =>
    place.kind === "archive" ? { kind: "archive", file: path } : { kind: "layout", folder: path };
  const at = text.lastIndexOf("@");
  if (at > 0 && isDigest(text.slice(at + 1)))
    return { location: location(text.slice(0, at)), reference: text.slice(at + 1) };
  const colon = text.lastIndexOf(":");
  const tag = text.slice(colon + 1);
  if (colon > text.lastIndexOf("/") && isTag(tag)) return { location: location(text.slice(0, colon)), reference: tag };
  return { location: place, reference: undefined };
}

function stripScheme(text: string): { rest: string; plainHttp: boolean } {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (!scheme) return { rest: text, plainHttp: false };
  const rest = text.slice(scheme[0].length);
  const name = (scheme[1] as string).toLowerCase();
  if (name === "oci") return { rest, plainHttp: false };
  if (name === "oci+http") return { rest, plainHttp: true };
  throw new SpkociError("INVALID_REFERENCE", `${JSON.stringify(text)} has the unknown scheme ${name}://`, {
    hint: `Write ${rest} or oci://${rest}; for plain http, oci+http://${rest}.`,
  });
}

function refusePath(text: string): void {
  if (!/^(?:\.{0,2}\/|~)/.test(text)) return;
  throw new SpkociError("INVALID_REFERENCE", `${JSON.stringify(text)} is a path, not a registry`, {
    hint: `Write oci:${text} for an OCI layout folder, oci-archive:${text} for a tar of one.`,
  });
}
