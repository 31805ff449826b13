import { formatProgress, type Progress } from "./progress.js";

const LINES_A_SECOND = 10;
const PACKAGES_AT_MOST = 8;
const ERASE = "\u001b[K";

/** A few lines at the bottom of a terminal that follow a run. */
export interface Bars {
  /** Puts a line above the bars. */
  log(line: string): void;
  /** Clears the bars and gives the terminal back; may be called again. */
  close(): void;
}

/** Draws `progress` on a terminal about ten times a second. */
export async function createBars(stream: NodeJS.WriteStream, progress: Progress): Promise<Bars> {
  const { MultiBar } = (await import("cli-progress")).default;
  let rows: string[] = [];
  const bars = new MultiBar({
    stream,
    fps: LINES_A_SECOND,
    hideCursor: true,
    clearOnComplete: true,
    forceRedraw: true,
    format: (_options, _params, payload: { readonly row: number }) => rows[payload.row] ?? "",
  });
  const limit = Math.max(1, Math.min(PACKAGES_AT_MOST, (stream.rows ?? 24) - 3));
  const draw = (): void => {
    rows = formatProgress(progress, performance.now(), stream.columns ?? 80, limit);
  };
  let drawn = 0;
  bars.on("update-pre", () => {
    draw();
    for (; drawn < rows.length; drawn += 1) bars.create(1, 0, { row: drawn });
  });
  draw();
  for (; drawn < rows.length; drawn += 1) bars.create(1, 0, { row: drawn });
  let closed = false;
  return {
    // Erasing to the end of each line takes away what the bars had drawn there.
    log: (line) => bars.log(`${line.replaceAll("\n", `${ERASE}\n`)}${ERASE}\n`),
    close: () => {
      if (closed) return;
      closed = true;
      // What was logged since the last redraw is still to be written.
      bars.update();
      bars.stop();
    },
  };
}
