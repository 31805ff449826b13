const SHOWN = 200;

/** A text of the cache in quotes, shortened, for a message. */
export function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);
}

const NAMED = 3;

/** The first few of a list and how many more there are: `a, b, c and 4 more`. */
export function enumerate(names: readonly string[]): string {
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
  return names.slice(0, NAMED).join(", ") + more;
}
