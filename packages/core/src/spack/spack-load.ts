import type { Op } from "../base/op.js";
import type { EnvModification } from "./env-modification.js";
import { parseShellExports } from "./shell-exports.js";
import { type Environment, runSpack } from "./spack-command.js";

/** Stands for what a variable has in the base image, so that what Spack puts before and behind it can be told apart. */
const BASE_VALUE = "/.spkoci-base-value";

/** Variables of the caller that Spack itself may need; all others are kept from it, lest they end up in the image. */
const PASSED_ON = /^(HOME|USER|LOGNAME|TMPDIR|TMP|TEMP|LANG|LC_.*|TZ|SPACK_.*|XDG_.*|https?_proxy|no_proxy)$/i;

/** Variables that tell what is loaded or active in the caller's shell. */
const SHELL_STATE = /^SPACK_(LOADED_HASHES|ENV|ENV_VIEW|OLD_.*)$/;

/** Variables of the base image that must have their value, since programs on this machine act by it. */
const HOST_OWN =
  /^(HOME|USER|LOGNAME|SHELL|PWD|TERM|LANG|LC_.*|TZ|TMPDIR|SPACK_.*|PYTHON(HOME|STARTUP)?|BASH_ENV|ENV|IFS|LD_PRELOAD|LD_AUDIT)$/;

/** What external packages in the system's folders add; an image must not depend on what the host has there. */
const SYSTEM_VARIABLE = /^(MANPATH|ACLOCAL_PATH|PKG_CONFIG_PATH)$/;
const SYSTEM_FOLDER = /^(\/usr(\/local)?)?\/(man|share\/man|share\/aclocal|(lib|lib64|share)\/pkgconfig)$/;

/**
 * What Spack's recipes and prefix inspections set for the packages with these DAG hashes, by `spack load --sh`.
 * @param baseEnv `NAME=value` of the base image: values that Spack extends are told from ones it replaces
 * @param env the caller's variables, for PATH and what Spack needs
 * @throws SpkociError SPACK_FAILED
 */
export async function askSpack(
  command: string,
  hashes: readonly string[],
  baseEnv: readonly string[],
  env: Environment,
  op?: Op,
): Promise<readonly EnvModification[]> {
  const base = new Map(baseEnv.map(splitVariable));
  const path = env.PATH ?? "/usr/bin:/bin";
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && PASSED_ON.test(name) && !SHELL_STATE.test(name)) given[name] = value;
  }
  for (const name of base.keys()) {
    if (!HOST_OWN.test(name)) given[name] = BASE_VALUE;
  }
  given.PATH = `${BASE_VALUE}:${path}`;
  const specs = hashes.map((hash) => `/${hash}`);
  const exported = parseShellExports(await runSpack(command, ["load", "--sh", ...specs], given, op));
  exported.delete("SPACK_LOADED_HASHES");
  return [...exported].flatMap(([name, value]) => {
    const words = value.split(":").filter((word) => !(SYSTEM_VARIABLE.test(name) && SYSTEM_FOLDER.test(word)));
    // Spack ends MANPATH with a colon, for the manual of a login shell.
    if (name === "MANPATH" && words.at(-1) === "") words.pop();
    const added = name === "PATH" ? withoutOwnPath(words, path) : words;
    return modificationOf(name, added, base.get(name) ?? "");
  });
}

/** PATH without this machine's folders, which stand behind the base's. */
function withoutOwnPath(words: readonly string[], path: string): string[] {
  const own = new Set(path.split(":"));
  const at = words.indexOf(BASE_VALUE);
  return words.filter((word, index) => index <= at || !own.has(word));
}

/** How a variable came to its words, one of which may stand for what the base has. */
function modificationOf(name: string, words: readonly string[], base: string): EnvModification[] {
  const at = words.indexOf(BASE_VALUE);
  if (at < 0) return words.length === 0 ? [] : [{ kind: "set", name, value: words.join(":") }];
  const before = words.slice(0, at).join(":");
  const behind = words.slice(at + 1);
  if (behind.length > 0) {
    return [{ kind: "set", name, value: [before, base, ...behind].filter((part) => part !== "").join(":") }];
  }
  return before === "" ? [] : [{ kind: "prepend", name, value: before }];
}

function splitVariable(variable: string): [name: string, value: string] {
  const at = variable.indexOf("=");
  return at < 0 ? [variable, ""] : [variable.slice(0, at), variable.slice(at + 1)];
}
