/** Shorter ones stand in too many words to be taken out of them. */
const SHORTEST = 6;
/** The newest are kept: a long run gets a token for each repository, again and again. */
const KEPT = 1000;

/** In the forms in which they could be shown. */
const known = new Set<string>();
let pattern: RegExp | undefined;

/**
 * Notes a password or token before it is used, so that no error, event or output of this process shows it, whoever puts it there: a
 * registry may answer with what it was sent.
 */
export function rememberSecret(secret: string): void {
  if (secret.length < SHORTEST || known.has(secret)) return;
  const form = new URLSearchParams([["", secret]]).toString().slice(1);
  known.add(secret).add(form).add(form.replaceAll("+", "%20")).add(JSON.stringify(secret).slice(1, -1));
  for (const oldest of known) {
    if (known.size <= KEPT) break;
    known.delete(oldest);
  }
  pattern = undefined;
}

/** The text with every secret that `rememberSecret` was told of blotted out. This is the one place where that is done. */
export function withoutSecrets(text: string): string {
  if (known.size === 0) return text;
  pattern ??= patternOf([...known]);
  return text.replace(pattern, "***");
}

/** Longer ones first, since one may begin with another. */
function patternOf(secrets: readonly string[]): RegExp {
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((one) => one.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|"), "gi");
}
