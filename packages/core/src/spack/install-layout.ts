import { posix } from "node:path";
import { SpkociError } from "../base/errors.js";
import { type ConcreteSpec, labelOf } from "./concrete-spec.js";

/** The folder of a store that is spkoci's own: packages are put together there, and taken apart. */
export const STAGING = ".spkoci";

/** Folders of a store that are no packages'. */
const RESERVED = new Set([".spack-db", STAGING, "bin"]);

/**
 * Where a package goes in a store: where it was in the store that it was built in, if that is known, else where Spack 1.x puts it
 * unless told otherwise (format page, section 6).
 * @param root absolute
 * @param relativePrefix from the tarball's build info
 * @throws SpkociError DOCUMENT_INVALID for a relative prefix that leads out of the store or into its own folders
 */
export function prefixIn(root: string, spec: ConcreteSpec, relativePrefix?: string): string {
  const relative = relativePrefix ?? defaultRelativePrefix(spec);
  if (isSafeRelativePrefix(relative)) return posix.join(root, relative);
  const shown = JSON.stringify(relative.slice(0, 200));
  throw new SpkociError("DOCUMENT_INVALID", `${labelOf(spec)} wants to be installed at ${shown} of the store`, {
    hint: "The package's tarball is damaged or malicious.",
  });
}

/** Spack 1.x's `{architecture.platform}-{architecture.target}/{name}-{version}-{hash}`. */
export function defaultRelativePrefix(spec: ConcreteSpec): string {
  const { platform, target } = spec.arch;
  return [`${platform}-${target}`, `${spec.name}-${spec.version}-${spec.hash}`].map(politeName).join("/");
}

/** As Spack does it with names of files, such as of a version `git.main=1.2`. */
function politeName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_+.-]/g, "_");
}

/** Whether a package may lie at this path in a store: not outside of it, and not in its own folders. */
export function isSafeRelativePrefix(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be in it
  if (/[\x00-\x1f\x7f]/.test(path)) return false;
  const parts = path.split("/");
  return !RESERVED.has(parts[0] ?? "") && parts.every((part) => part !== "" && part !== "." && part !== "..");
}

/** The first of `others` that is the same folder as `prefix`, lies in it, or has it inside: two packages can't share one. */
export function findOverlap(prefix: string, others: Iterable<string>): string | undefined {
  for (const other of others) {
    if (isWithin(prefix, other) || isWithin(other, prefix)) return other;
  }
  return undefined;
}

/** Whether a path is the folder or lies in it. */
function isWithin(path: string, folder: string): boolean {
  return path.startsWith(folder) && (path.length === folder.length || path[folder.length] === "/");
}
