import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";

/** Grounds of the treemap and the text on them, which no browser compares: both are painted on a canvas. */
const PAIRS: readonly (readonly [string, string])[] = [
  ["leaf", "leaf-ink"],
  ["unknown", "unknown-ink"],
  ...[0, 1, 2, 3, 4].map((at) => [`step-${at}`, `step-ink-${at}`] as const),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((at) => [`kind-${at}`, "kind-ink"] as const),
];

type Colors = ReadonlyMap<string, string>;

let light: Colors;
let dark: Colors;

beforeAll(async () => {
  const style = await readFile(new URL("../../assets/report.css", import.meta.url), "utf8");
  const [first = "", second = ""] = style.split("@media (prefers-color-scheme: dark)");
  light = variablesIn(first);
  dark = new Map([...light, ...variablesIn(second)]);
});

function variablesIn(style: string): Colors {
  return new Map([...style.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = "", color = ""]) => [name, color]));
}

/** Contrast ratio (WCAG 2.2, 1.4.3). */
function contrast(a: string, b: string): number {
  const [darker = 0, lighter = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

describe("the colours of the treemap", () => {
  it.each(PAIRS)("on %s the text %s can be read, in the light and in the dark", (ground, ink) => {
    for (const colors of [light, dark]) {
      expect(contrast(colors.get(ground) ?? "", colors.get(ink) ?? "")).toBeGreaterThan(4.5);
    }
  });
});
