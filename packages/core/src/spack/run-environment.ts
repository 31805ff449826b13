import { readdir, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import type { EnvModification } from "./env-modification.js";
import type { InstallRecord } from "./install-store.js";

/** Spack's default prefix inspections: folders of a prefix and the variable that each is prepended to, in Spack's order. */
const INSPECTED_FOLDERS: readonly (readonly [folder: string, variable: string])[] = [
  ["", "CMAKE_PREFIX_PATH"],
  ["bin", "PATH"],
  ["lib/pkgconfig", "PKG_CONFIG_PATH"],
  ["lib64/pkgconfig", "PKG_CONFIG_PATH"],
  ["man", "MANPATH"],
  ["share/aclocal", "ACLOCAL_PATH"],
  ["share/man", "MANPATH"],
  ["share/pkgconfig", "PKG_CONFIG_PATH"],
];

/**
 * What a package's folders add to the environment (format page, section 9), in the order in which it is applied. Nothing for an
 * external package: an image must not depend on what the host has.
 */
export async function inspectPrefix(record: InstallRecord): Promise<readonly EnvModification[]> {
  if (record.external || !record.installed) return [];
  const names = await readdir(record.path).catch(() => undefined);
  // One look at the prefix spares those at most folders that are not there.
  const there = new Set(names?.concat(""));
  const modifications: EnvModification[] = [];
  for (const [folder, name] of INSPECTED_FOLDERS) {
    const [top = ""] = folder.split("/");
    if (!there.has(top) || (folder !== "" && !(await isFolder(join(record.path, folder))))) continue;
    modifications.push({ kind: "prepend", name, value: posix.join(record.prefix, folder) });
  }
  return modifications;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
