import { z } from "zod";
import { parseCommand } from "./parse-command.js";

/** What can be set by an option, a variable, and a configuration file. The keys are those of the files. */
export interface Settings {
  readonly store?: string | undefined;
  readonly sysroot?: string | undefined;
  readonly upstream?: readonly string[] | undefined;
  readonly root?: string | undefined;
  readonly "alias-dir"?: string | undefined;
  readonly "cache-dir"?: string | undefined;
  readonly "verify-cache"?: boolean | undefined;
  readonly jobs?: number | undefined;
  readonly retries?: number | undefined;
  readonly "chunk-size"?: number | undefined;
  readonly "base-image"?: string | undefined;
  readonly platform?: string | undefined;
  readonly compression?: "gzip" | "zstd" | undefined;
  readonly "compression-level"?: number | undefined;
  readonly "run-env"?: "auto" | "prefix" | "spack" | undefined;
  readonly "set-env"?: Readonly<Record<string, string>> | undefined;
  readonly entrypoint?: readonly string[] | undefined;
  readonly cmd?: readonly string[] | undefined;
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
  readonly label?: Readonly<Record<string, string>> | undefined;
  readonly source?: string | undefined;
  readonly "update-index"?: boolean | undefined;
  readonly "plain-http"?: boolean | undefined;
  readonly "ca-file"?: string | undefined;
  readonly "insecure-skip-verify"?: boolean | undefined;
}

export type SettingKey = keyof Settings;

/**
 * What a value is: relative paths are completed by the folder of the file they stand in, as is the folder of a location `oci:DIR`; paths are
 * a list, in a variable with `:` between; a switch is true or false; pairs are `KEY=VALUE`.
 */
export type SettingKind = "path" | "paths" | "location" | "text" | "integer" | "switch" | "pairs";

export interface Setting {
  readonly kind: SettingKind;
  readonly schema: z.ZodType;
  /** One sentence for docs/configuration.md. */
  readonly meaning: string;
  /** What holds if nothing is set, in words. */
  readonly otherwise: string;
  /** Whether there is a variable `SPKOCI_…`. */
  readonly hasVariable: boolean;
  /** Decides whom to trust, so a project's file may not set it. */
  readonly isTrust?: boolean;
}

const text = z.string({ error: "must be a text" }).min(1, { error: "must not be empty" });
const toggle = z.boolean({ error: "must be true or false" });
const whole = (min: number, max: number, unit = ""): z.ZodType<number> =>
  z
    .int({ error: `must be a whole number ${unit}from ${min} to ${max}` })
    .min(min, { error: `must be at least ${min}` })
    .max(max, { error: `must be at most ${max}` });
const oneOf = <T extends string>(...values: T[]): z.ZodType<T> =>
  z.enum(values, { error: `must be ${values.slice(0, -1).join(", ")} or ${values.at(-1)}` });
const pairs = (key: RegExp, what: string): z.ZodType<Record<string, string>> =>
  z.record(
    z.string().regex(key, { error: `is not ${what}` }),
    z.string({ error: "must be a text (put it in quotes)" }),
    {
      error: "must be a map of names to texts",
    },
  );
const command = z
  .union([z.string(), z.array(z.string())], { error: "must be a text or a list of texts" })
  .transform((value, context) => {
    const words = typeof value === "string" ? parseCommand(value) : value;
    if (words !== undefined) return words;
    context.addIssue("begins with [ but is not a JSON list of texts");
    return z.NEVER;
  });

/** Every setting, in the order of docs/configuration.md. */
export const SETTINGS: Readonly<Record<SettingKey, Setting>> = {
  store: {
    kind: "path",
    schema: text,
    meaning: "Root of the Spack store, as Spack records it.",
    otherwise: "`$SPACK_ROOT/opt/spack`, or what the `spack` on the PATH says",
    hasVariable: true,
  },
  sysroot: {
    kind: "path",
    schema: text,
    meaning: "Folder that the store lies under although its recorded paths start at `/`.",
    otherwise: "none",
    hasVariable: true,
  },
  upstream: {
    kind: "paths",
    schema: z.array(text, { error: "must be a list of folders" }),
    meaning: "Roots of upstream stores, searched after the store.",
    otherwise: "none",
    hasVariable: true,
  },
  root: {
    kind: "path",
    schema: text,
    meaning: "Root of the store that `install` fills and that `find`, `env`, `run`, `verify` and `uninstall` work on.",
    otherwise: "`$XDG_DATA_HOME/spkoci/store` or `~/.local/share/spkoci/store`",
    hasVariable: true,
  },
  "alias-dir": {
    kind: "path",
    schema: text,
    meaning: "Short folder that stays, for links to the prefixes that strings in binaries have no room for.",
    otherwise: "the one that the store remembers, or none",
    hasVariable: true,
  },
  "cache-dir": {
    kind: "path",
    schema: text,
    meaning:
      "Folder for layers on their way to the target of a push and for their digests, and for what installs fetched.",
    otherwise:
      "`$XDG_CACHE_HOME/spkoci` or `~/.cache/spkoci`; `/var/tmp/spkoci-UID` where that is in memory or can't be written to",
    hasVariable: true,
  },
  "verify-cache": {
    kind: "switch",
    schema: toggle,
    meaning:
      "Whether a push reads unchanged packages too whose layers it remembers, and warns where a remembered digest is wrong.",
    otherwise: "`false`",
    hasVariable: true,
  },
  jobs: {
    kind: "integer",
    schema: whole(1, 256),
    meaning: "Packages and transfers at once.",
    otherwise: "8 for a push, 4 for an install, 16 for update-index",
    hasVariable: true,
  },
  retries: {
    kind: "integer",
    schema: whole(0, 1_000_000),
    meaning: "Retries of failed requests in the whole run; every 1,000 requests that succeed allow as many again.",
    otherwise: "`100`",
    hasVariable: true,
  },
  "chunk-size": {
    kind: "integer",
    schema: whole(1, 1024, "of MiB "),
    meaning: "Layers are sent in parts of so many MiB, which go on where they broke off.",
    otherwise: "whole layers",
    hasVariable: true,
  },
  "base-image": {
    kind: "location",
    schema: text,
    meaning: "Image to build on: `ubuntu:24.04`, `ghcr.io/org/image@sha256:…`, `oci:DIR[:TAG]`.",
    otherwise: "none",
    hasVariable: true,
  },
  platform: {
    kind: "text",
    schema: text,
    meaning: "Which image of a base index, such as `linux/amd64`.",
    otherwise: "the one for the packages, the most portable variant first",
    hasVariable: true,
  },
  compression: {
    kind: "text",
    schema: oneOf("gzip", "zstd"),
    meaning: "How layers are compressed. Spack reads gzip only.",
    otherwise: "`gzip`",
    hasVariable: true,
  },
  "compression-level": {
    kind: "integer",
    schema: whole(1, 19),
    meaning: "1 to 9 for gzip, 1 to 19 for zstd.",
    otherwise: "4 or 5 for each block of gzip, 3 for zstd",
    hasVariable: true,
  },
  "run-env": {
    kind: "text",
    schema: oneOf("auto", "prefix", "spack"),
    meaning:
      "Where the images' environment comes from: `spack` asks the recipes, `prefix` looks at folders, `auto` asks if it can.",
    otherwise: "`auto`",
    hasVariable: true,
  },
  "set-env": {
    kind: "pairs",
    schema: pairs(/^[^=\0]+$/, "the name of a variable"),
    meaning: "Variables of the images that win over all others. Files and options add up.",
    otherwise: "none",
    hasVariable: false,
  },
  entrypoint: {
    kind: "text",
    schema: command,
    meaning: "Entrypoint of the images: a list of words, or a text for `/bin/sh -c`.",
    otherwise: "that of the base image",
    hasVariable: false,
  },
  cmd: {
    kind: "text",
    schema: command,
    meaning: "Command of the images: a list of words, or a text for `/bin/sh -c`.",
    otherwise: "that of the base image",
    hasVariable: false,
  },
  user: {
    kind: "text",
    schema: text,
    meaning: "User that the images run as, such as `1000:1000`.",
    otherwise: "that of the base image",
    hasVariable: false,
  },
  workdir: {
    kind: "text",
    schema: text,
    meaning: "Folder that the images start in.",
    otherwise: "that of the base image",
    hasVariable: false,
  },
  label: {
    kind: "pairs",
    schema: pairs(/^[^\0]+$/, "the name of a label"),
    meaning: "Labels of the images. Files and options add up.",
    otherwise: "none",
    hasVariable: false,
  },
  source: {
    kind: "text",
    schema: text,
    meaning: "URL for the annotation `org.opencontainers.image.source`.",
    otherwise: "none",
    hasVariable: true,
  },
  "update-index": {
    kind: "switch",
    schema: toggle,
    meaning: "Whether the cache's index `index.spack` gets what was pushed (`--no-update-index` turns it off).",
    otherwise: "`true`",
    hasVariable: true,
  },
  "plain-http": {
    kind: "switch",
    schema: toggle,
    meaning: "Speak http to registries; loopback hosts may be plain in any case.",
    otherwise: "`false`",
    hasVariable: true,
    isTrust: true,
  },
  "ca-file": {
    kind: "path",
    schema: text,
    meaning: "File with PEM certificates to trust beside the system's.",
    otherwise: "none",
    hasVariable: true,
    isTrust: true,
  },
  "insecure-skip-verify": {
    kind: "switch",
    schema: toggle,
    meaning: "Accept any certificate.",
    otherwise: "`false`",
    hasVariable: true,
    isTrust: true,
  },
};

export const SETTING_KEYS: readonly SettingKey[] = Object.keys(SETTINGS) as SettingKey[];

/** A file's, the variables' or the options' settings; nothing else may be in there. */
export const settingsSchema: z.ZodType<Settings> = z.strictObject(
  Object.fromEntries(SETTING_KEYS.map((key) => [key, SETTINGS[key].schema.optional()])),
  { error: (issue) => (issue.code === "invalid_type" ? "must be a map of settings" : undefined) },
) as unknown as z.ZodType<Settings>;

/** The variable of a setting: `SPKOCI_CACHE_DIR` for `cache-dir`. */
export function variableOf(key: SettingKey): string {
  return `SPKOCI_${key.toUpperCase().replaceAll("-", "_")}`;
}
