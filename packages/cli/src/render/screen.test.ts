import { describe, expect, it } from "vitest";
import { isUnicodeLocale } from "./screen.js";

describe("isUnicodeLocale", () => {
  it.each([
    [{ LANG: "C.UTF-8" }, true],
    [{ LANG: "de_DE.utf8" }, true],
    [{ LANG: "C.UTF-8", LC_ALL: "C" }, false],
    [{ LANG: "C", LC_CTYPE: "en_US.UTF-8" }, true],
    [{ LANG: "C.UTF-8", LC_ALL: "" }, true],
    [{}, false],
  ])("takes the first variable that is set: %j", (env, expected) => {
    expect(isUnicodeLocale(env)).toBe(expected);
  });
});
