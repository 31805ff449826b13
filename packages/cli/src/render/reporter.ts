import type { Emit, SpkociEvent } from "@spkoci/core";
import { formatJsonLine } from "./clean-text.js";
import type { Colors } from "./colors.js";
import { formatEventLine } from "./event-line.js";
import { Progress } from "./progress.js";
import { createBars } from "./progress-bars.js";

/** Where lines go: standard error, as a rule. */
export interface LineSink {
  write(text: string): unknown;
}

/** Shows the events of one run. */
export interface Reporter {
  readonly emit: Emit;
  /** Says something beside the events. */
  say(line: string): void;
  /** Takes whatever moves off the screen; nothing is shown afterwards. */
  close(): void;
}

/** Shows nothing. */
export function silentReporter(): Reporter {
  return { emit: () => {}, say: () => {}, close: () => {} };
}

/** One JSON document for each event; requests only if `verbose`. */
export function jsonReporter(sink: LineSink, verbose: boolean): Reporter {
  return {
    emit: (event) => {
      if (event.type !== "request" || verbose) sink.write(`${formatJsonLine(event)}\n`);
    },
    say: () => {},
    close: () => {},
  };
}

/** Plain lines, one for each thing that happened. */
export function lineReporter(sink: LineSink, colors: Colors, verbose: boolean): Reporter {
  const progress = new Progress();
  return {
    emit: (event) => {
      const line = formatEventLine(event, progress, colors, verbose);
      progress.apply(event, performance.now());
      if (line !== undefined) sink.write(`${line}\n`);
    },
    say: (line) => sink.write(`${line}\n`),
    close: () => {},
  };
}

/** Bars that are redrawn in place, with lines above them for what should stay. */
export async function barReporter(stream: NodeJS.WriteStream, colors: Colors, verbose: boolean): Promise<Reporter> {
  const progress = new Progress();
  const bars = await createBars(stream, progress);
  return {
    emit: (event) => {
      const line = staysOnScreen(event, verbose) ? formatEventLine(event, progress, colors, verbose) : undefined;
      progress.apply(event, performance.now());
      if (line !== undefined) bars.log(line);
    },
    say: (line) => bars.log(line),
    close: () => bars.close(),
  };
}

/** The bars and the summary show the rest. */
function staysOnScreen(event: SpkociEvent, verbose: boolean): boolean {
  return verbose || event.type === "warning" || event.type === "package-failed";
}
