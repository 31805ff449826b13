import type { RetryEvent, SpkociEvent } from "@spkoci/core";
import { cleanLines, cleanText } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatDuration, formatSize } from "./format-size.js";
import { packageLabel } from "./package-label.js";
import type { Progress } from "./progress.js";

/**
 * The line that an event adds to a log, or undefined if it adds none. `progress` is the run before the event.
 * Requests, retries and starts are told only to those who want every detail.
 */
export function formatEventLine(
  event: SpkociEvent,
  progress: Progress,
  colors: Colors,
  verbose: boolean,
): string | undefined {
  switch (event.type) {
    case "warning":
      return formatWarning(event.message, event.hint, colors);
    case "step":
      return cleanText(event.message);
    case "planned":
      return formatPlanned(event.packages, event.prefixSize);
    case "package-finished": {
      const { bytes, done } = progress.transferredFor(event.hash) ?? { bytes: 0, done: "" };
      const size = bytes > 0 ? `${formatSize(bytes)} ${done}, ` : "";
      const outcome = event.outcome === "skipped" ? colors.dim("skipped") : colors.green(event.outcome);
      const label = packageLabel(event.package, event.hash);
      return `${count(progress)}${outcome} ${label} (${size}${formatDuration(event.durationMs)})`;
    }
    case "package-failed": {
      const label = packageLabel(event.package, event.hash);
      return `${count(progress)}${colors.red("failed")} ${label}: ${cleanText(event.message)}`;
    }
    case "package-started":
      return verbose ? `started ${packageLabel(event.package, event.hash)}` : undefined;
    case "request":
      return verbose
        ? colors.dim(`${event.method} ${cleanText(event.url)} ${event.status} (${Math.round(event.durationMs)} ms)`)
        : undefined;
    case "retry":
      return verbose ? colors.dim(formatRetry(event)) : undefined;
    case "pace":
      return verbose
        ? colors.dim(`${cleanText(event.registry)}: ${event.atOnce} at once from now on (${event.reason})`)
        : undefined;
    case "progress":
    case "package-progress":
      return undefined;
  }
}

function formatRetry({ delayMs, what, reason, attempt, retries }: RetryEvent): string {
  const used = retries ? `; ${retries.used} of ${retries.allowed} retries used` : "";
  return `again in ${formatDuration(delayMs)}: ${cleanText(what)}: ${cleanText(reason)} (try ${attempt}${used})`;
}

function formatPlanned(packages: number, prefixSize: number): string {
  const text = `${packages} ${packages === 1 ? "package" : "packages"}`;
  return prefixSize === 0 ? text : `${text}, ${formatSize(prefixSize)} to read`;
}

/** A warning, with its hint on a line of its own. */
function formatWarning(message: string, hint: string | undefined, colors: Colors): string {
  const line = `spkoci: ${colors.yellow("warning:")} ${cleanText(message)}`;
  return hint === undefined ? line : `${line}\n${colors.cyan("hint:")} ${cleanLines(hint)}`;
}

/** `[3/7] `: the package that is finished now, of all. */
function count(progress: Progress): string {
  return progress.planned === undefined ? "" : `[${progress.done + 1}/${progress.planned}] `;
}
