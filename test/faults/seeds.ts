/** `7`, `1-60` or `3,9,20-25`: the numbers named. */
export function readSeeds(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [first = Number.NaN, last = first] = part.split("-").map(Number);
    if (!Number.isInteger(first) || !Number.isInteger(last)) throw new Error(`no seeds: ${text}`);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}
