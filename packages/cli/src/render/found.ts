import type { InstallRecord } from "@spkoci/core";
import { cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";

/** The packages of a store for people, as `spack find` groups them, with the beginnings of their hashes if `isLong`. Ends with a line break. */
export function formatFound(records: readonly InstallRecord[], isLong: boolean, colors: Colors): string {
  const groups = new Map<string, InstallRecord[]>();
  for (const record of sorted(records)) {
    const { platform, os, target } = record.spec.arch;
    const architecture = `${platform}-${os}-${target}`;
    groups.set(architecture, [...(groups.get(architecture) ?? []), record]);
  }
  const lines = [...groups].flatMap(([architecture, members]) => [
    colors.bold(`-- ${cleanText(architecture)} --`),
    ...members.map((record) => formatRecord(record, isLong, colors)),
    "",
  ]);
  lines.push(`${records.length} installed ${records.length === 1 ? "package" : "packages"}`);
  return `${lines.join("\n")}\n`;
}

/** The packages of a store as the document of `--json`. */
export function findDocument(root: string, records: readonly InstallRecord[]): object {
  const packages = sorted(records).map(({ spec, prefix, explicit, installationTime }) => ({
    name: spec.name,
    version: spec.version,
    hash: spec.hash,
    arch: { platform: spec.arch.platform, os: spec.arch.os, target: spec.arch.target },
    prefix,
    explicit,
    installationTime,
  }));
  return { root, packages };
}

/** By architecture, name, version and hash. */
function sorted(records: readonly InstallRecord[]): InstallRecord[] {
  const keyed = records.map((record) => {
    const { arch, name, version, hash } = record.spec;
    return { record, key: [arch.platform, arch.os, arch.target, name, version, hash].join("\0") };
  });
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ record }) => record);
}

function formatRecord({ spec }: InstallRecord, isLong: boolean, colors: Colors): string {
  const label = cleanText(`${spec.name}@${spec.version}`);
  return isLong ? `${colors.dim(cleanText(spec.hash.slice(0, 7)))} ${label}` : label;
}
