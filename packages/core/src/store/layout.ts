import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../base/atomic-file.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";
import { ownerOfTemporary, removeLeftovers } from "../base/temporary-file.js";
import type { Store } from "../oci/store.js";
import { BlobFolder } from "./blob-folder.js";
import { IndexFile } from "./index-file.js";
import { checkMarker, LAYOUT_MARKER } from "./layout-marker.js";
import { LayoutStore } from "./layout-store.js";

export interface OpenLayoutOptions {
  /** Make the folder a layout if it does not exist or is empty, and clean up after killed processes. */
  readonly create?: boolean;
}

/**
 * An OCI image layout (image-spec, image-layout.md) as a Store. Tags are the `org.opencontainers.image.ref.name` annotations of
 * `index.json`. Several processes may write to one layout; a process killed at any moment leaves a valid one.
 * @throws SpkociError IMAGE_NOT_FOUND if there is no layout; STORAGE_FAILED if the folder holds something else or can't be used;
 * DOCUMENT_INVALID if the layout is of another version.
 */
export async function openLayout(folder: string, options: OpenLayoutOptions = {}): Promise<Store> {
  const index = new IndexFile(folder);
  const blobs = new BlobFolder(folder);
  const found = await readMarker(folder);
  if (found !== undefined) checkMarker(folder, found);
  if (options.create) {
    await createLayout(folder, found !== undefined, index);
    await removeLeftovers(folder);
  } else if (found === undefined) {
    throw new SpkociError("IMAGE_NOT_FOUND", `${folder} is no OCI image layout`, {
      hint: "An OCI image layout is a folder with a file named oci-layout in it.",
    });
  }
  return new LayoutStore(`oci:${folder}`, blobs, index);
}

/** The text of the `oci-layout` file, undefined if there is none. */
async function readMarker(folder: string): Promise<string | undefined> {
  const path = join(folder, "oci-layout");
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT") return undefined;
    throw asStorageError(error, `reading ${path}`);
  }
}

async function createLayout(folder: string, exists: boolean, index: IndexFile): Promise<void> {
  try {
    await makeFolders(folder);
    if (!exists) {
      const strangers = (await readdir(folder)).filter((name) => !ownerOfTemporary(name));
      // Another process may have made the layout since the marker was looked for.
      if (strangers.length > 0 && (await readMarker(folder)) === undefined) throw notEmpty(folder);
      // The marker comes first: a folder with it alone is finished by the next who opens it.
      await writeFileAtomically(join(folder, "oci-layout"), LAYOUT_MARKER);
    }
    await makeFolders(join(folder, "blobs", "sha256"));
  } catch (error) {
    throw asStorageError(
      error,
      `making the image layout ${folder}`,
      "Name a folder that this user can make or write to.",
    );
  }
  await index.create();
}

function notEmpty(folder: string): SpkociError {
  return new SpkociError("STORAGE_FAILED", `${folder} is not empty and is no OCI image layout`, {
    hint: "Name a new or empty folder, or one that holds an image layout.",
  });
}
