import { open, readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A C library that programs need, or that a machine has. */
export interface Libc {
  readonly name: "glibc" | "musl";
  readonly version: string;
}

/** Where the ABI of each machine has glibc's loader. */
const LOADERS: Readonly<Record<string, string>> = {
  x86_64: "/lib64/ld-linux-x86-64.so.2",
  aarch64: "/lib/ld-linux-aarch64.so.1",
  ppc64le: "/lib64/ld64.so.2",
  ppc64: "/lib64/ld64.so.1",
  riscv64: "/lib/ld-linux-riscv64-lp64d.so.1",
  i686: "/lib/ld-linux.so.2",
};

/** The largest library that is looked into, bytes. */
const LIBRARY_LIMIT = 32 * 1024 * 1024;

/**
 * The C library of the system, by what its files say; nothing is run. Undefined if there is none that is known.
 * @param machine as `uname -m` has it
 * @param top the folder that is the system's `/`
 */
export async function readLibc(machine: string, top = "/"): Promise<Libc | undefined> {
  const loader = LOADERS[machine];
  if (loader !== undefined) {
    const folder = await realpath(join(top, loader)).then(dirname, () => undefined);
    const library = folder === undefined ? "" : await readLibrary(join(folder, "libc.so.6"));
    const version = /GNU C Library [^\n]*release version (\d+(?:\.\d+)+)/.exec(library)?.[1];
    if (version !== undefined) return { name: "glibc", version };
  }
  const musl = await readLibrary(join(top, `/lib/ld-musl-${machine}.so.1`));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: strings of C end with NUL
  const version = /\x00(1\.\d+\.\d+)\x00/.exec(musl)?.[1];
  return version === undefined ? undefined : { name: "musl", version };
}

/** The bytes of a file as text of one character each; empty if it can't be read or is too large. */
async function readLibrary(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { size } = await file.stat();
      return size > LIBRARY_LIMIT ? "" : await readFile(file, "latin1");
    } finally {
      await file.close();
    }
  } catch {
    return "";
  }
}
