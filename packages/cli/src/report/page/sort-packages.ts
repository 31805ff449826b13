import type { Package } from "./model.js";

/** What packages can be sorted by. */
export type SortKey = "name" | "own" | "whole" | "needs" | "neededBy" | "created";

export interface Sorting {
  readonly key: SortKey;
  readonly descending: boolean;
}

const VALUES: Readonly<Record<SortKey, (one: Package) => number>> = {
  name: (one) => one.at,
  own: (one) => one.own,
  whole: (one) => one.whole,
  needs: (one) => one.runs.length,
  neededBy: (one) => one.neededBy.length,
  created: (one) => one.created ?? Number.NEGATIVE_INFINITY,
};

/** Packages that are alike stay in the order of their names. */
export function sortPackages(packages: readonly Package[], { key, descending }: Sorting): Package[] {
  const value = VALUES[key];
  const sign = descending ? -1 : 1;
  return packages.toSorted((a, b) => {
    const one = value(a);
    const other = value(b);
    return one === other ? a.at - b.at : (one < other ? -1 : 1) * sign;
  });
}
