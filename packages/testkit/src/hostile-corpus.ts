import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fixturePath } from "./fixture-store.js";

/** A file of fixtures/hostile. */
export interface HostileFile {
  /** Path below fixtures/hostile. */
  readonly file: string;
  /** Code of the error that it must end with, or `harmless`. */
  readonly outcome: string;
  readonly bytes: Buffer;
}

const ROW = /^\| `([^`]+)` \| (\w+) \|/gm;

/** The files of one folder of fixtures/hostile, as its README lists them. */
export function readHostileFiles(folder: string): HostileFile[] {
  const readme = readFileSync(fixturePath("hostile/README.md"), "utf8");
  return [...readme.matchAll(ROW)]
    .map(([, file = "", outcome = ""]) => ({ file, outcome }))
    .filter(({ file }) => dirname(file) === folder)
    .map((one) => ({ ...one, bytes: readFileSync(fixturePath(`hostile/${one.file}`)) }));
}
