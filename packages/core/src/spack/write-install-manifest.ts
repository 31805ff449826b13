import { constants, readlinkSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomically } from "../base/atomic-file.js";
import { mapConcurrently } from "../base/concurrency.js";
import type { Op } from "../base/op.js";
import {
  type FoundFile,
  hashFile,
  INSTALL_MANIFEST,
  keyOf,
  type PrefixPlace,
  pythonText,
  secondsOf,
  spackHash,
  walkPrefix,
} from "./prefix-listing.js";

const FILES_AT_ONCE = 8;

/** What is known of a regular file without a look at it. */
export interface KnownContent {
  /** In hex digits. */
  readonly sha1: string;
  /** Seconds since 1970 that the file was given as its time; undefined if it has the time at which it was written. */
  readonly mtime: number | undefined;
}

/**
 * Writes `<prefix>/.spack/install_manifest.json` of all that is in a prefix, as Spack 1.x does at the end of an installation; it is
 * what `spack verify manifest` compares with. The manifest doesn't list itself.
 * @param place with what is known of regular files by their paths in the prefix, and the permissions that files and folders are still
 *   to get; files of which nothing is known are read
 * @throws SpkociError PREFIX_MISSING, FILE_UNREADABLE, NO_SPACE or STORAGE_FAILED
 */
export async function writeInstallManifest(
  place: PrefixPlace & {
    readonly known?: (path: string) => KnownContent | undefined;
    readonly permissions?: ReadonlyMap<string, number>;
  },
  op?: Op,
): Promise<void> {
  op?.signal?.throwIfAborted();
  const members: string[] = [];
  const unknown: FoundFile[] = [];
  const modeOf = ({ path, stat }: FoundFile): number => {
    const permissions = place.permissions?.get(path);
    return permissions === undefined ? stat.mode : (stat.mode & constants.S_IFMT) | permissions;
  };
  const add = (file: FoundFile, content?: KnownContent): void => {
    members.push(`${JSON.stringify(keyOf(place.prefix, file.path))}:${describeFile(file, modeOf(file), content)}`);
  };
  // Each is told at once: a prefix may have a million files.
  for (const file of walkPrefix(place)) {
    const { path, stat } = file;
    if (path === INSTALL_MANIFEST) continue;
    const content = stat.isFile() ? place.known?.(path) : undefined;
    if (stat.isFile() && content === undefined) unknown.push(file);
    else add(file, content);
  }
  const read = async (file: FoundFile, signal: AbortSignal): Promise<KnownContent> => ({
    sha1: await hashFile(file.onDisk, file.path, signal),
    mtime: undefined,
  });
  const contents = await mapConcurrently(unknown, FILES_AT_ONCE, read, op?.signal);
  for (const [i, file] of unknown.entries()) add(file, contents[i]);
  await writeFileAtomically(join(place.path, INSTALL_MANIFEST), `{${members.join(",")}}`, { durable: false });
}

/**
 * What the manifest says of a file, folder or link, as JSON; see `verifyPrefix` for the members.
 * @param content of a regular file
 */
function describeFile(file: FoundFile, mode: number, content: KnownContent | undefined): string {
  const { onDisk, stat } = file;
  const common = `"mode":${mode},"owner":${stat.uid},"group":${stat.gid}`;
  if (stat.isSymbolicLink()) {
    return `{${common},"dest":${JSON.stringify(pythonText(readlinkSync(onDisk, { encoding: "buffer" })))}}`;
  }
  if (content === undefined) return `{${common}}`;
  return `{${common},"hash":"${spackHash(content.sha1)}","time":${timeOf(file, content)},"size":${stat.size}}`;
}

/** A second look tells the nanoseconds, where there are any. */
function timeOf(file: FoundFile, { mtime }: KnownContent): number {
  return mtime !== undefined && file.stat.mtimeMs === mtime * 1000 ? mtime : secondsOf(file);
}
