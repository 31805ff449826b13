import picocolors from "picocolors";

export type Colors = ReturnType<typeof picocolors.createColors>;

/** What decides about colours. */
export interface ColorWishes {
  /** False for `--no-color`. */
  readonly flag: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether the stream is a terminal. */
  readonly isTerminal: boolean;
}

/** Colours on a terminal only; `--no-color` and NO_COLOR (https://no-color.org) turn them off, FORCE_COLOR on. */
export function createColors(wishes: ColorWishes): Colors {
  return picocolors.createColors(wantsColors(wishes));
}

export function wantsColors({ flag, env, isTerminal }: ColorWishes): boolean {
  if (!flag || (env.NO_COLOR ?? "") !== "") return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== "") return forced !== "0" && forced !== "false";
  return isTerminal && env.TERM !== "dumb";
}

/** A text in a colour; nothing at all for nothing. */
export function paint(color: (text: string) => string, text: string): string {
  return text === "" ? "" : color(text);
}
