import { join, posix } from "node:path";
import { type FileCalls, pooledCalls } from "../base/file-calls.js";
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
export async function inspectPrefix(
  record: InstallRecord,
  calls: FileCalls = pooledCalls,
): Promise<readonly EnvModification[]> {
  if (record.external || !record.installed) return [];
  // One look at the prefix spares those at most folders that are not there.
  const there = new Set(["", ...(await namesIn(record.path, calls))]);
  const modifications: EnvModification[] = [];
  for (const [folder, name] of INSPECTED_FOLDERS) {
    const [top = ""] = folder.split("/");
    if (!there.has(top) || (folder !== "" && !(await calls.isFolder(join(record.path, folder))))) continue;
    modifications.push({ kind: "prepend", name, value: posix.join(record.prefix, folder) });
  }
  return modifications;
}

async function namesIn(path: string, calls: FileCalls): Promise<string[]> {
  try {
    return (await calls.readdir(path)).map(({ name }) => name);
  } catch {
    return [];
  }
}
