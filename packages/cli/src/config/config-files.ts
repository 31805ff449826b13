import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SpkociError } from "@spkoci/core";
import { type Environment, xdgFolder } from "./xdg-folder.js";

const PROJECT_FILE = "spkoci.yaml";
const SIZE_LIMIT = 1024 * 1024;

/** Where the user's configuration file is looked for. */
export function userConfigFile(env: Environment, home: string): string {
  return join(xdgFolder("XDG_CONFIG_HOME", env, home), "config.yaml");
}

/** The project's file: `spkoci.yaml` in `folder` or the nearest folder above it. */
export async function findProjectFile(folder: string): Promise<string | undefined> {
  for (let here = folder; ; here = dirname(here)) {
    const path = join(here, PROJECT_FILE);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) return path;
    if (dirname(here) === here) return undefined;
  }
}

/**
 * The data of a YAML file; undefined if there is no such file, `{}` if it is empty.
 * @throws SpkociError INVALID_CONFIG that names the file
 */
export async function readConfigFile(path: string): Promise<unknown> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem) throw invalidFile(path, (problem.message.split("\n")[0] ?? "").replace(/:$/, ""), problem);
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    throw invalidFile(path, error instanceof Error ? error.message : "it can't be read", error);
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > SIZE_LIMIT) throw invalidFile(path, "it is larger than 1 MiB", undefined);
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof SpkociError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new SpkociError("INVALID_CONFIG", `${path}: it can't be read: ${code}`, {
      hint: "Let this user read it, or name another file with --config.",
      cause: error,
    });
  }
}

function invalidFile(path: string, why: string, cause: unknown): SpkociError {
  return new SpkociError("INVALID_CONFIG", `${path}: ${why}`, {
    hint: "Settings are written in YAML as `key: value`; docs/configuration.md lists them.",
    cause,
  });
}
