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
  listPrefix,
  type PrefixPlace,
  pythonText,
  secondsOf,
  spackHash,
} from "./prefix-listing.js";

const FILES_AT_ONCE = 8;

/** What a manifest says of a file, folder or link; see `verifyPrefix` for the members. */
type Entry = Readonly<Record<string, string | number>>;

/**
 * Writes `<prefix>/.spack/install_manifest.json` of all that is in a prefix, as Spack 1.x does at the end of an installation; it is
 * what `spack verify manifest` compares with. The manifest doesn't list itself.
 * @param place with the SHA-1 of regular files by their paths in the prefix, where it is known; other files are read
 * @throws SpkociError PREFIX_MISSING, FILE_UNREADABLE, NO_SPACE or STORAGE_FAILED
 */
export async function writeInstallManifest(
  place: PrefixPlace & { readonly sha1Of?: (path: string) => Buffer | undefined },
  op?: Op,
): Promise<void> {
  op?.signal?.throwIfAborted();
  const files = listPrefix(place).filter(({ path }) => path !== INSTALL_MANIFEST);
  const known = new Map(files.map(({ path, stat }) => [path, stat.isFile() ? place.sha1Of?.(path) : undefined]));
  const unknown = files.filter(({ path, stat }) => stat.isFile() && known.get(path) === undefined);
  const hash = (file: FoundFile, signal: AbortSignal): Promise<Buffer> => hashFile(file.onDisk, file.path, signal);
  const hashes = await mapConcurrently(unknown, FILES_AT_ONCE, hash, op?.signal);
  for (const [i, { path }] of unknown.entries()) known.set(path, hashes[i]);
  const entries = files.map((file) => [keyOf(place.prefix, file.path), describeFile(file, known.get(file.path))]);
  const text = JSON.stringify(Object.fromEntries(entries));
  await writeFileAtomically(join(place.path, INSTALL_MANIFEST), text, { durable: false });
}

/** @param sha1 of a regular file */
function describeFile({ onDisk, stat }: FoundFile, sha1: Buffer | undefined): Entry {
  const common = { mode: Number(stat.mode), owner: Number(stat.uid), group: Number(stat.gid) };
  if (stat.isSymbolicLink()) return { ...common, dest: pythonText(readlinkSync(onDisk, { encoding: "buffer" })) };
  if (sha1 === undefined) return common;
  return { ...common, hash: spackHash(sha1), time: secondsOf(stat), size: Number(stat.size) };
}
