import { describePackage, type InstallRecord, type InstallStore } from "@spkoci/core";
import { type FoundStyle, formatFound, type Surroundings } from "./found.js";
import type { Screen } from "./screen.js";

/** Installed packages for people. Ends with a line break. */
export function formatInstalled(
  store: InstallStore,
  records: readonly InstallRecord[],
  style: FoundStyle,
  screen: Screen,
): string {
  const found = formatFound(records, style, surroundings(store), screen);
  if (style.format !== undefined) return found;
  const count = `${records.length} installed ${records.length === 1 ? "package" : "packages"}`;
  return `${found}${found === "" ? "" : "\n"}${count}\n`;
}

/** Installed packages as the document of `--json`. */
export function findDocument(store: InstallStore, records: readonly InstallRecord[]): object {
  const { known } = surroundings(store);
  const packages = records.map(({ spec, prefix, explicit, installationTime }) => ({
    ...describePackage(spec, known),
    prefix,
    explicit,
    installationTime,
  }));
  return { root: store.root, packages };
}

function surroundings({ records }: InstallStore): Surroundings {
  return {
    known: (hash) => records.get(hash)?.spec,
    isPresent: (hash) => records.get(hash)?.installed === true,
  };
}
