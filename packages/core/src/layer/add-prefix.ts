import { join } from "node:path";
import type { Op } from "../base/op.js";
import type { Entry, FileEntry, PrefixEntries } from "./entries.js";
import { READ_SIZE, readContent, readSmallContent } from "./file-content.js";
import { readAhead } from "./read-ahead.js";
import { type FileScan, RelocatableScan, type Relocatables } from "./relocatables.js";
import type { TarWriter } from "./tar.js";

/** Small files that are read while the ones before them are archived. */
const FILES_AHEAD = 16;

export interface PrefixSource {
  /** The folder on disk. */
  readonly path: string;
  readonly needles: readonly string[];
  readonly onProgress?: ((bytes: number, total: number) => void) | undefined;
}

/**
 * Puts the folders above a prefix and all that was listed in it into an archive, each file read once.
 * @returns what Spack has to relocate in it
 */
export async function addPrefix(
  tar: TarWriter,
  source: PrefixSource,
  listed: PrefixEntries,
  op?: Op,
): Promise<Relocatables> {
  const scan = new RelocatableScan(source.needles);
  let read = 0;
  const watch = (chunk: Buffer, fileScan: FileScan | undefined): void => {
    op?.signal?.throwIfAborted();
    fileScan?.update(chunk);
    read += chunk.length;
    source.onProgress?.(read, listed.totalSize);
  };
  for (const name of listed.parents) await tar.addDirectory(name);
  for await (const { entry, content } of withSmallContents(source.path, listed.entries)) {
    op?.signal?.throwIfAborted();
    if (entry.type === "symlink") scan.addLink(entry);
    if (entry.type !== "file") {
      await tar.addEntry(entry);
      continue;
    }
    const fileScan = scan.scanFile(entry);
    if (content !== undefined) {
      watch(content, fileScan);
      await tar.addBytes(entry.name, entry.mode, content);
    } else {
      const chunks = readContent(join(source.path, entry.path), entry);
      await tar.addFile(
        entry,
        tapped(chunks, (chunk) => watch(chunk, fileScan)),
      );
    }
    fileScan?.finish();
  }
  return scan.found;
}

/** The entries in their order, small files with their content. */
function withSmallContents(
  folder: string,
  entries: readonly Entry[],
): AsyncGenerator<{ entry: Entry; content: Buffer | undefined }> {
  return readAhead(entries, FILES_AHEAD, async (entry) => ({
    entry,
    content: isSmallFile(entry) ? await readSmallContent(join(folder, entry.path), entry) : undefined,
  }));
}

function isSmallFile(entry: Entry): entry is FileEntry {
  return entry.type === "file" && entry.size <= READ_SIZE;
}

async function* tapped(source: AsyncIterable<Buffer>, tap: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    tap(chunk);
    yield chunk;
  }
}
