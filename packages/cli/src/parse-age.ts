import { SpkociError } from "@spkoci/core";

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** @returns ms of `90d`, `1h`, `0`. @throws SpkociError INVALID_ARGUMENT that names `option` */
export function parseAge(text: string, option: string): number {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d+)?)([smhdw])$/.exec(text) ?? [];
  const factor = UNITS_MS[unit ?? ""];
  if (amount !== undefined && factor !== undefined) return Number(amount) * factor;
  if (/^0+$/.test(text)) return 0;
  throw new SpkociError("INVALID_ARGUMENT", `${option} is no time: ${JSON.stringify(text)}`, {
    hint: "Write a number with s, m, h, d or w, such as 12h or 90d.",
  });
}
