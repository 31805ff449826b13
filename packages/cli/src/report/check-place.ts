import { open, stat } from "node:fs/promises";
import { SpkociError } from "@spkoci/core";
import { PAGE_START } from "./format-page.js";

/**
 * Makes sure that a page may be written to a path: nothing is there yet, or an older report, or an empty file.
 * @throws SpkociError INVALID_ARGUMENT, or STORAGE_FAILED if what is there can't be read
 */
export async function checkPlace(path: string): Promise<void> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw new SpkociError("STORAGE_FAILED", `the report can't be written to ${path}: ${cause.code}`, { cause });
  });
  if (found === undefined) return;
  if (found.isDirectory()) {
    throw new SpkociError("INVALID_ARGUMENT", `${path} is a folder`, { hint: "Name a file: -o FILE.html" });
  }
  if (!found.isFile()) {
    throw new SpkociError("INVALID_ARGUMENT", `${path} is no file`, { hint: "-o - writes to standard output." });
  }
  if (found.size > 0 && !(await isReport(path))) {
    throw new SpkociError("INVALID_ARGUMENT", `${path} is there, and is no report of spkoci`, {
      hint: "Name another file (-o), or remove this one. An older report would be replaced.",
    });
  }
}

async function isReport(path: string): Promise<boolean> {
  const start = Buffer.alloc(PAGE_START.length);
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw new SpkociError("STORAGE_FAILED", `${path} is there and can't be read: ${cause.code}`, { cause });
  });
  try {
    await file.read(start, 0, start.length, 0);
  } finally {
    await file.close();
  }
  return start.toString("latin1") === PAGE_START;
}
