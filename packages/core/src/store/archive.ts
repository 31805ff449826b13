import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname } from "node:path";
import { asStorageError, SpkociError } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";
import type { Op } from "../base/op.js";
import type { Store } from "../oci/store.js";
import { type ArchiveFile, archiveStateOf, readArchiveFile } from "./archive-file.js";
import { BlobSources } from "./blob-sources.js";
import { IndexInMemory } from "./index-in-memory.js";
import { EMPTY_INDEX_JSON, formatIndexJson, type IndexJson, tagOf } from "./layout-index.js";
import { LAYOUT_MARKER } from "./layout-marker.js";
import { LayoutStore } from "./layout-store.js";
import { writeTarFile } from "./write-tar-file.js";

/**
 * A tar of an OCI layout (`oci-archive:` of skopeo) as a Store to read from. Blobs are read at their places in the tar.
 * @throws SpkociError IMAGE_NOT_FOUND if there is no file; ARCHIVE_REFUSED, DOCUMENT_INVALID, STORAGE_FAILED
 */
export async function openArchive(path: string, op?: Op): Promise<Store> {
  const file = await readArchiveFile(path, op);
  if (file === undefined) {
    throw new SpkociError("IMAGE_NOT_FOUND", `there is no file ${path}`, {
      hint: "Name a tar that spkoci copy or skopeo copy wrote (oci-archive:FILE).",
    });
  }
  const { name, blobs, index } = contentOf(path, file);
  return new ReadOnlyStore(name, blobs, index);
}

/** A tar is written as a whole, so nothing is put into one that was opened. */
class ReadOnlyStore extends LayoutStore {
  override async put(): Promise<void> {
    throw readOnly(this.name);
  }

  override async write(): Promise<void> {
    throw readOnly(this.name);
  }

  override async delete(): Promise<boolean> {
    throw readOnly(this.name);
  }
}

function readOnly(name: string): SpkociError {
  return new SpkociError("STORAGE_FAILED", `${name} can only be read`, {
    hint: "Copy it to a folder (spkoci copy oci-archive:FILE oci:DIR), and change that.",
  });
}

/** A tar of an OCI layout that is to be written. */
export interface ArchiveDraft {
  /** What the tar will have: what the file has now, and whatever is put. Blobs that are put are not read yet. */
  readonly store: Store;
  /**
   * Reads every blob, checked, and puts the tar in the file's place, whole or not at all; a file that would be the same stays.
   * The same content gives the same bytes.
   * @returns bytes of the tar; undefined if the file stays
   * @throws SpkociError FILE_CHANGED if somebody else wrote the file meanwhile; NO_SPACE, STORAGE_FAILED, LOCKED; what blobs fail with
   */
  finish(op?: Op): Promise<number | undefined>;
}

/**
 * Begins a tar of an OCI layout with what the file has now, if there is one. A missing folder is made.
 * @throws SpkociError as `openArchive` for a file that is there; STORAGE_FAILED if the folder can't be written to
 */
export async function draftArchive(path: string, op?: Op): Promise<ArchiveDraft> {
  await prepareFolder(dirname(path));
  const file = await readArchiveFile(path, op);
  const { name, blobs, index } = contentOf(path, file);
  const blobsBefore = blobs.all.size;
  const indexBefore = formatIndexJson(sorted(await index.read()));
  const finish = async (inner?: Op): Promise<number | undefined> => {
    const indexNow = formatIndexJson(sorted(await index.read()));
    if (file !== undefined && blobs.all.size === blobsBefore && indexNow === indexBefore) return undefined;
    const parts = [...blobs.all].map(([digest, source]) => ({ name: digest.replace(":", "/"), source }));
    parts.sort((a, b) => (a.name < b.name ? -1 : 1));
    return writeTarFile(
      path,
      [
        ...parts.map(({ name, source }) => ({ name: `blobs/${name}`, source })),
        { name: "index.json", bytes: Buffer.from(indexNow) },
        { name: "oci-layout", bytes: Buffer.from(LAYOUT_MARKER) },
      ],
      async () => (await archiveStateOf(path)) === file?.state,
      inner,
    );
  };
  return { store: new LayoutStore(name, blobs, index), finish };
}

/** With entries in the order of their tags, those without a tag last. */
function sorted(index: IndexJson): IndexJson {
  const keyOf = (entry: unknown): string => JSON.stringify([tagOf(entry) ?? "\uffff", entry]);
  const manifests = index.manifests.map((entry) => ({ entry, key: keyOf(entry) }));
  manifests.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return { ...index, manifests: manifests.map(({ entry }) => entry) };
}

async function prepareFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw asStorageError(error, `writing to ${folder}`, "Name a file in a folder that this user can make or write to.");
  }
}

interface ArchiveContent {
  /** For messages. */
  readonly name: string;
  readonly blobs: BlobSources;
  readonly index: IndexInMemory;
}

function contentOf(path: string, file: ArchiveFile | undefined): ArchiveContent {
  const name = `oci-archive:${path}`;
  const blobs = new BlobSources(name);
  for (const [digest, source] of file?.blobs ?? []) blobs.all.set(digest, source);
  return { name, blobs, index: new IndexInMemory(`${path}/index.json`, file?.index ?? EMPTY_INDEX_JSON) };
}
