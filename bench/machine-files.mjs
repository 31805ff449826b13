import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const SMALL_FOLDERS = ["/usr/share", "/usr/include", "/usr/lib"];
const PROGRAM_FOLDERS = ["/usr/bin", "/usr/lib", "/usr/sbin"];
const SMALL = 256_000;
const LARGE = 20_000_000;
/** Asked before a file is opened. */
const MAYBE_ELF = /\.so(\.|$)|\/s?bin\/[^/]*$/;
const ELF = Buffer.from("\x7fELF");

/** Files of up to 256 kB, most of them text, each as `path` and `size`, in the order of their names, over and over. */
export function smallFiles() {
  return repeat(SMALL_FOLDERS, async ({ path, size }) => size <= SMALL && size > 0 && !/\.so(\.|$)/.test(path));
}

/** Programs and libraries of up to 20 MB in the same way. */
export function elfFiles() {
  return repeat(
    PROGRAM_FOLDERS,
    async ({ path, size }) => size <= LARGE && MAYBE_ELF.test(path) && (await isElf(path)),
  );
}

async function* repeat(folders, isWanted) {
  for (;;) {
    let found = 0;
    for (const folder of folders) {
      for await (const file of filesBelow(folder)) {
        if (!(await isWanted(file))) continue;
        found += 1;
        yield file;
      }
    }
    if (found === 0) throw new Error(`No files to make a store of in ${folders.join(", ")}; use --store`);
  }
}

async function* filesBelow(folder) {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    if (!entry.isFile()) continue;
    const { size, mode } = await stat(path);
    if ((mode & 0o444) === 0o444) yield { path, size };
  }
}

async function isElf(path) {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.equals(ELF);
  } finally {
    await file.close();
  }
}
