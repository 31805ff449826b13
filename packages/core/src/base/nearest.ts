import { distance } from "fastest-levenshtein";

/** The candidates that `word` was probably meant to be, best first, at most `count`. */
export function nearestNames(word: string, candidates: Iterable<string>, count = 3): string[] {
  const wanted = word.toLowerCase();
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  return [...new Set(candidates)]
    .map((name) => ({ name, score: scoreOf(wanted, name.toLowerCase()) }))
    .filter(({ score }) => score <= limit)
    .sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ name }) => name);
}

/** Edits between the two; a half-typed name counts as one edit. */
function scoreOf(wanted: string, name: string): number {
  return wanted.length >= 2 && name.startsWith(wanted) ? 1 : distance(wanted, name);
}
