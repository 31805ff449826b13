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

/** Where a cache lives: a repository of a registry, or an OCI image-layout folder. */
export type Location =
  | { readonly kind: "registry"; readonly repository: Repository; readonly plainHttp: boolean }
  | { readonly kind: "layout"; readonly folder: string };

/** One image in a place; `reference` is a tag or digest, absent where a folder's only image is meant. */
export interface ImageLocation {
  readonly location: Location;
  readonly reference: string | undefined;
}

/**
 * A cache as users write it: `ghcr.io/org/cache`, `oci://ghcr.io/org/cache`, `oci+http://127.0.0.1:5000/cache` or `oci:DIR`.
 * @throws SpkociError INVALID_REFERENCE
 */
export function parseLocation(text: string): Location {
  const folder = folderOf(text);
  if (folder !== undefined) return { kind: "layout", folder };
  refusePath(text);
  const { rest, plainHttp } = stripScheme(text);
  return { kind: "registry", repository: parseRepository(rest), plainHttp };
}

/**
 * An image as users write it: `ubuntu:24.04` (at Docker Hub), `ghcr.io/org/image@sha256:…`, `oci+http://localhost:5000/image:tag` or
 * `oci:DIR[:TAG]`.
 * @throws SpkociError INVALID_REFERENCE
 */
export function parseImageLocation(text: string): ImageLocation {
  const folder = folderOf(text);
  if (folder !== undefined) return layoutImage(folder);
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
  return location.kind === "layout" ? `oci:${location.folder}` : formatRepository(location.repository);
}

/** An image of a place as a reference to pull or inspect it by. */
export function formatImageAt(location: Location, tag: string): string {
  if (location.kind === "layout") return `oci:${location.folder}:${tag}`;
  return formatImageReference({ ...location.repository, tag });
}

function folderOf(text: string): string | undefined {
  if (!text.startsWith("oci:") || text.startsWith("oci://")) return undefined;
  const folder = text.slice("oci:".length);
  if (folder === "" || folder.includes("\0")) {
    throw new SpkociError("INVALID_REFERENCE", `${JSON.stringify(text)} names no folder`, { hint: "Write oci:DIR." });
  }
  return folder;
}

/** The last `:` after the last `/` begins a tag, as skopeo and umoci read it. */
function layoutImage(text: string): ImageLocation {
  const at = text.lastIndexOf("@");
  if (at > 0 && isDigest(text.slice(at + 1))) {
    return { location: { kind: "layout", folder: text.slice(0, at) }, reference: text.slice(at + 1) };
  }
  const colon = text.lastIndexOf(":");
  const tag = text.slice(colon + 1);
  if (colon > text.lastIndexOf("/") && isTag(tag)) {
    return { location: { kind: "layout", folder: text.slice(0, colon) }, reference: tag };
  }
  return { location: { kind: "layout", folder: text }, reference: undefined };
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
    hint: `Write oci:${text} for an OCI layout folder.`,
  });
}
