import type { Colors } from "./colors.js";

/** What a text is laid out for. */
export interface Screen {
  readonly colors: Colors;
  /** Columns of the terminal; undefined where there is none: then one line is one thing. */
  readonly width: number | undefined;
  /** Whether more than ASCII can be shown. */
  readonly unicode: boolean;
}

/** Whether the locale's character set is UTF-8 (POSIX, section 8.2: the first variable that is set decides). */
export function isUnicodeLocale(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== "");
  return /utf-?8/i.test(locale ?? "");
}
