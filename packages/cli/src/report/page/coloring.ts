import { readVariables } from "./dom.js";
import type { Model, Package } from "./model.js";
import { formatDay } from "./wording.js";

/** What colours of the treemap can mean. */
export type ColorKey = "neededBy" | "architecture" | "created";

/** One colour and what it means. */
export interface Shade {
  readonly color: string;
  /** Colour of text on it. */
  readonly ink: string;
  readonly label: string;
}

export interface Coloring {
  readonly legend: readonly Shade[];
  shadeOf(one: Package): Shade;
}

/** Least numbers of packages that need one, for each shade. */
const NEEDED_BOUNDS = [0, 1, 3, 10, 50];
const NEEDED_LABELS = ["needed by nothing", "by 1 or 2", "by 3 to 9", "by 10 to 49", "by 50 or more"];
const STEPS = 5;
const KINDS = 8;

/** The colours for packages, from the style sheet, so that they fit light and dark. */
export function createColoring(key: ColorKey, model: Model): Coloring {
  if (key === "architecture") return byArchitecture(model);
  return key === "created" ? byDate(model) : byNeed();
}

function byNeed(): Coloring {
  const [leaf = "", leafInk = ""] = readVariables(["--leaf", "--leaf-ink"]);
  const [first, ...others] = stepShades(NEEDED_LABELS);
  const legend = [{ ...(first as Shade), color: leaf, ink: leafInk }, ...others];
  const shadeOf = ({ neededBy }: Package): Shade => {
    return legend[NEEDED_BOUNDS.findLastIndex((bound) => neededBy.length >= bound)] as Shade;
  };
  return { legend, shadeOf };
}

function byArchitecture({ architectures }: Model): Coloring {
  const colors = readVariables(Array.from({ length: KINDS }, (_, at) => `--kind-${at}`));
  const [ink = "", other = "", otherInk = ""] = readVariables(["--kind-ink", "--unknown", "--unknown-ink"]);
  const legend = architectures.slice(0, KINDS).map((label, at) => ({ color: colors[at] ?? "", ink, label }));
  const rest = { color: other, ink: otherInk, label: `${architectures.length - KINDS} others` };
  return {
    legend: architectures.length > KINDS ? [...legend, rest] : legend,
    shadeOf: ({ architecture }) => legend[architecture] ?? rest,
  };
}

function byDate({ packages }: Model): Coloring {
  const times = packages.flatMap(({ created }) => (created === null ? [] : [created]));
  const first = times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const last = times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const span = Math.max(last - first, 1);
  const bounds = Array.from({ length: STEPS }, (_, at) => first + (span * at) / STEPS);
  const labels = bounds.map((time) => (times.length === 0 ? "" : `from ${formatDay(time)}`));
  const steps = stepShades(labels);
  const [color = "", ink = ""] = readVariables(["--unknown", "--unknown-ink"]);
  const unknown = { color, ink, label: "no date" };
  const shown = steps.filter(({ label }, at) => label !== "" && label !== labels[at - 1]);
  return {
    legend: times.length < packages.length ? [...shown, unknown] : shown,
    shadeOf: ({ created }) => {
      if (created === null) return unknown;
      return steps[Math.min(Math.floor(((created - first) / span) * STEPS), STEPS - 1)] as Shade;
    },
  };
}

function stepShades(labels: readonly string[]): Shade[] {
  const colors = readVariables(labels.map((_, at) => `--step-${at}`));
  const inks = readVariables(labels.map((_, at) => `--step-ink-${at}`));
  return labels.map((label, at) => ({ label, color: colors[at] ?? "", ink: inks[at] ?? "" }));
}
