import { readlinkSync } from "node:fs";
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

/** What a manifest says of a file, folder or link; see `verifyPrefix` for the members. */
type Entry = Readonly<Record<string, string | number>>;

/**
 * Writes `<prefix>/.spack/install_manifest.json` of all that is in a prefix, as Spack 1.x does at the end of an installation; it is
 * what `spack verify manifest` compares with. The manifest doesn't list itself.
 * @param place with the SHA-1 of regular files, in hex digits, by their paths in the prefix, where it is known; other files are read
 * @throws SpkociError PREFIX_MISSING, FILE_UNREADABLE, NO_SPACE or STORAGE_FAILED
 */
export async function writeInstallManifest(
  place: PrefixPlace & { readonly sha1Of?: (path: string) => string | undefined },
  op?: Op,
): Promise<void> {
  op?.signal?.throwIfAborted();
  const members: string[] = [];
  const unknown: FoundFile[] = [];
  const add = (file: FoundFile, sha1?: string): void => {
    members.push(`${JSON.stringify(keyOf(place.prefix, file.path))}:${JSON.stringify(describeFile(file, sha1))}`);
  };
  // Each is told at once: a prefix may have a million files.
  for (const file of walkPrefix(place)) {
    const { path, stat } = file;
    if (path === INSTALL_MANIFEST) continue;
    const sha1 = stat.isFile() ? place.sha1Of?.(path) : undefined;
    if (stat.isFile() && sha1 === undefined) unknown.push(file);
    else add(file, sha1);
  }
  const hash = (file: FoundFile, signal: AbortSignal): Promise<string> => hashFile(file.onDisk, file.path, signal);
  const hashes = await mapConcurrently(unknown, FILES_AT_ONCE, hash, op?.signal);
  for (const [i, file] of unknown.entries()) add(file, hashes[i]);
  await writeFileAtomically(join(place.path, INSTALL_MANIFEST), `{${members.join(",")}}`, { durable: false });
}

/** @param sha1 of a regular file */
function describeFile({ onDisk, stat }: FoundFile, sha1: string | undefined): Entry {
  const common = { mode: Number(stat.mode), owner: Number(stat.uid), group: Number(stat.gid) };
  if (stat.isSymbolicLink()) return { ...common, dest: pythonText(readlinkSync(onDisk, { encoding: "buffer" })) };
  if (sha1 === undefined) return common;
  return { ...common, hash: spackHash(sha1), time: secondsOf(stat), size: Number(stat.size) };
}
