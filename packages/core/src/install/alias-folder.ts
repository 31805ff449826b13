import { readdir, readFile, readlink, symlink } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import * as z from "zod";
import { writeFileAtomically } from "../base/atomic-file.js";
import { asStorageError, SpkociError, systemCodeOf } from "../base/errors.js";
import { parseJson } from "../base/json.js";
import { makeFolders } from "../base/make-folders.js";
import { type AliasOf, createAliases } from "../relocate/alias.js";
import { STAGING } from "../spack/install-layout.js";

/**
 * A folder with short links to prefixes, for strings in binaries that can't hold the prefixes themselves. It belongs to a store for good:
 * the store remembers it, and the links stay.
 */
export class AliasFolder {
  /** Absolute. */
  readonly folder: string;
  readonly aliasOf: AliasOf;

  private constructor(folder: string, aliasOf: AliasOf) {
    this.folder = folder;
    this.aliasOf = aliasOf;
  }

  /**
   * The folder that the store has; else `dir`, which it has from now on; else one in the root, which does for roots of moderate length.
   * @throws SpkociError INVALID_ARGUMENT for a folder that isn't absolute, or another one than the store has; STORAGE_FAILED
   */
  static async open(root: string, dir: string | undefined): Promise<AliasFolder> {
    const known = await readAliasDir(root);
    const chosen = choose(root, dir, known);
    try {
      await makeFolders(chosen);
      if (known === undefined && dir !== undefined)
        await writeFileAtomically(settingsPath(root), JSON.stringify({ aliasDir: chosen }));
      return new AliasFolder(chosen, createAliases(chosen, await readLinks(chosen)));
    } catch (error) {
      throw asStorageError(error, `making the alias folder ${chosen}`);
    }
  }

  /**
   * Makes the links that a relocation wrote into files.
   * @param aliases by new prefix: the link's path
   */
  async makeLinks(aliases: ReadonlyMap<string, string>): Promise<void> {
    for (const [prefix, link] of aliases) await makeLink(prefix, link);
  }
}

/**
 * Where `AliasFolder.open` would have the links. Makes nothing.
 * @throws SpkociError as `AliasFolder.open`
 */
export async function findAliasFolder(root: string, dir: string | undefined): Promise<string> {
  return choose(root, dir, await readAliasDir(root));
}

function choose(root: string, dir: string | undefined, known: string | undefined): string {
  return dir === undefined ? (known ?? join(root, STAGING, "a")) : checked(dir, known, root);
}

async function makeLink(prefix: string, link: string): Promise<void> {
  try {
    await symlink(prefix, link);
  } catch (error) {
    if (systemCodeOf(error) === "EEXIST" && (await readlink(link).catch(() => "")) === prefix) return;
    throw asStorageError(error, `making the alias ${link} of ${prefix}`);
  }
}

/** Links by path, with what they lead to; anything else in the folder takes its name too. */
async function readLinks(dir: string): Promise<Map<string, string>> {
  const links = new Map<string, string>();
  for (const name of await readdir(dir)) {
    const link = join(dir, name);
    links.set(link, await readlink(link).catch(() => ""));
  }
  return links;
}

const settingsSchema = z.object({ aliasDir: z.string().startsWith("/") });

function settingsPath(root: string): string {
  return join(root, STAGING, "store.json");
}

async function readAliasDir(root: string): Promise<string | undefined> {
  const path = settingsPath(root);
  try {
    return settingsSchema.parse(parseJson(await readFile(path, "utf8"), path)).aliasDir;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemCodeOf(error) ?? "")) return undefined;
    throw new SpkociError("STORAGE_FAILED", `${path} can't be read`, {
      cause: error,
      hint: 'It says where the store\'s aliases are; write it again as {"aliasDir": DIR}.',
    });
  }
}

function checked(dir: string, known: string | undefined, root: string): string {
  if (!isAbsolute(dir)) {
    throw new SpkociError("INVALID_ARGUMENT", `the alias folder ${JSON.stringify(dir)} is not an absolute path`, {
      hint: "Name a short absolute path that stays, such as /opt/s.",
    });
  }
  const clean = resolve(dir);
  if (known === undefined || known === clean) return clean;
  throw new SpkociError("INVALID_ARGUMENT", `the store ${root} has its aliases in ${known}, not in ${clean}`, {
    hint: `Leave --alias-dir out, or say --alias-dir ${known}.`,
  });
}
