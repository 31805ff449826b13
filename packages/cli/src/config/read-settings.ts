import { dirname, resolve } from "node:path";
import { nearestNames, SpkociError } from "@spkoci/core";
import { findProjectFile, readConfigFile, userConfigFile } from "./config-files.js";
import { parseFlag, parseVariable } from "./parse-value.js";
import { SETTING_KEYS, SETTINGS, type SettingKey, type Settings, settingsSchema, variableOf } from "./settings.js";
import type { Environment } from "./xdg-folder.js";

/** Everything that settings may come from. */
export interface SettingSources {
  /** Options of the command line by setting; others are ignored. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Environment;
  /** Folder that relative paths of options and variables start at, and where the project's file is looked for. */
  readonly cwd: string;
  readonly home: string;
  /** Read instead of the project's and the user's file. */
  readonly configFile?: string | undefined;
}

export interface ReadSettings {
  readonly settings: Settings;
  /** What is odd but stops nothing. */
  readonly warnings: readonly { readonly message: string; readonly hint?: string }[];
}

/** Settings of one origin, before they are checked. */
interface Layer {
  readonly values: unknown;
  /** How messages name a setting of this origin. */
  readonly nameOf: (key: string) => string;
  readonly errorCode: "INVALID_ARGUMENT" | "INVALID_CONFIG";
  /** Folder that relative paths start at. */
  readonly folder: string;
  readonly isFile: boolean;
  readonly isProject: boolean;
}

/** Variables that are no settings. */
const OTHER_VARIABLES = ["SPKOCI_CONFIG", "SPKOCI_USERNAME", "SPKOCI_PASSWORD"];

/**
 * Options win over variables, these over the project's file, this over the user's file. Maps (`label`, `set-env`) add up.
 * @throws SpkociError INVALID_CONFIG or INVALID_ARGUMENT that names the file, variable or option and the key
 */
export async function readSettings(sources: SettingSources): Promise<ReadSettings> {
  const layers = [...(await fileLayers(sources)), variableLayer(sources), flagLayer(sources)];
  const settings = layers.map(checkLayer).reduce(merge, {});
  return { settings, warnings: unknownVariables(sources.env) };
}

async function fileLayers(sources: SettingSources): Promise<Layer[]> {
  const { env, cwd, home } = sources;
  const chosen = sources.configFile ?? (env.SPKOCI_CONFIG || undefined);
  if (chosen !== undefined) {
    const path = resolve(cwd, chosen);
    const values = await readConfigFile(path);
    if (values !== undefined) return [fileLayer(path, values, false)];
    throw new SpkociError("INVALID_CONFIG", `there is no configuration file ${path}`, {
      hint: "It is named by --config or SPKOCI_CONFIG.",
    });
  }
  const layers: Layer[] = [];
  const userFile = userConfigFile(env, home);
  const userValues = await readConfigFile(userFile);
  if (userValues !== undefined) layers.push(fileLayer(userFile, userValues, false));
  const projectFile = await findProjectFile(cwd);
  if (projectFile !== undefined) layers.push(fileLayer(projectFile, await readConfigFile(projectFile), true));
  return layers;
}

function fileLayer(path: string, values: unknown, isProject: boolean): Layer {
  const nameOf = (key: string): string => (key === "" ? path : `${path}: ${key}`);
  return { values, nameOf, errorCode: "INVALID_CONFIG", folder: dirname(path), isFile: true, isProject };
}

function variableLayer({ env, cwd }: SettingSources): Layer {
  const values: Record<string, unknown> = {};
  for (const key of SETTING_KEYS) {
    const text = SETTINGS[key].hasVariable ? env[variableOf(key)] : undefined;
    if (text !== undefined && text !== "") values[key] = parseVariable(SETTINGS[key].kind, text);
  }
  const nameOf = (key: string): string => variableOf(key as SettingKey);
  return { values, nameOf, errorCode: "INVALID_CONFIG", folder: cwd, isFile: false, isProject: false };
}

function flagLayer({ flags, cwd }: SettingSources): Layer {
  const values: Record<string, unknown> = {};
  for (const key of SETTING_KEYS) {
    const value = flags[key];
    if (value !== undefined) values[key] = parseFlag(SETTINGS[key].kind, value, `--${key}`);
  }
  const nameOf = (key: string): string => `--${key}`;
  return { values, nameOf, errorCode: "INVALID_ARGUMENT", folder: cwd, isFile: false, isProject: false };
}

function checkLayer(layer: Layer): Settings {
  const parsed = settingsSchema.safeParse(layer.values);
  if (!parsed.success) throw settingsError(layer, parsed.error.issues);
  if (layer.isProject) refuseTrust(layer, parsed.data);
  return completePaths(parsed.data, layer);
}

type Issues = readonly { readonly code: string; readonly path: readonly PropertyKey[]; readonly message: string }[];

function settingsError(layer: Layer, issues: Issues): SpkociError {
  const [issue] = issues;
  if (issue?.code === "unrecognized_keys") {
    const [unknown] = (issue as unknown as { keys: string[] }).keys;
    const near = nearestNames(unknown ?? "", SETTING_KEYS);
    return new SpkociError(layer.errorCode, `${layer.nameOf(unknown ?? "")}: there is no such setting`, {
      hint: near.length > 0 ? `Did you mean ${near.join(" or ")}?` : "docs/configuration.md lists the settings.",
    });
  }
  const name = layer.nameOf((issue?.path ?? []).map(String).join("."));
  return new SpkociError(layer.errorCode, `${name}: ${issue?.message ?? "is wrong"}`, {
    hint: "docs/configuration.md says what each setting may be.",
  });
}

function refuseTrust(layer: Layer, settings: Settings): void {
  const key = SETTING_KEYS.find((each) => SETTINGS[each].isTrust && settings[each] !== undefined);
  if (key === undefined) return;
  throw new SpkociError(layer.errorCode, `${layer.nameOf(key)}: a project's file can't decide whom to trust`, {
    hint: `Use --${key}, ${variableOf(key)} or your own configuration file.`,
  });
}

function completePaths(settings: Settings, { folder, isFile }: Layer): Settings {
  const completed: Record<string, unknown> = { ...settings };
  for (const key of SETTING_KEYS) {
    const { kind } = SETTINGS[key];
    const value = completed[key];
    if (value === undefined) continue;
    if (kind === "path") completed[key] = resolve(folder, value as string);
    if (kind === "paths") completed[key] = (value as string[]).map((path) => resolve(folder, path));
    if (kind === "location" && isFile) completed[key] = completeLocation(value as string, folder);
  }
  return completed;
}

function completeLocation(location: string, folder: string): string {
  const [, scheme, path] = /^(oci|oci-archive):(?!\/\/)(.+)$/s.exec(location) ?? [];
  return scheme === undefined || path === undefined ? location : `${scheme}:${resolve(folder, path)}`;
}

function merge(lower: Settings, higher: Settings): Settings {
  return {
    ...lower,
    ...higher,
    label: addUp(lower.label, higher.label),
    "set-env": addUp(lower["set-env"], higher["set-env"]),
  };
}

function addUp<T extends object>(lower: T | undefined, higher: T | undefined): T | undefined {
  return lower && higher ? { ...lower, ...higher } : (higher ?? lower);
}

function unknownVariables(env: Environment): ReadSettings["warnings"] {
  const known = [...SETTING_KEYS.filter((key) => SETTINGS[key].hasVariable).map(variableOf), ...OTHER_VARIABLES];
  return Object.keys(env)
    .filter((name) => name.startsWith("SPKOCI_") && !known.includes(name))
    .sort()
    .map((name) => {
      const near = nearestNames(name, known);
      const hint = near.length > 0 ? { hint: `Did you mean ${near.join(" or ")}?` } : {};
      return { message: `${name} is no variable that spkoci reads`, ...hint };
    });
}
