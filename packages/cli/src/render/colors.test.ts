import { describe, expect, it } from "vitest";
import { wantsColors } from "./colors.js";

describe("wantsColors", () => {
  it.each([
    ["on a terminal", { flag: true, env: {}, isTerminal: true }, true],
    ["not elsewhere", { flag: true, env: {}, isTerminal: false }, false],
    ["not with --no-color, even if forced", { flag: false, env: { FORCE_COLOR: "1" }, isTerminal: true }, false],
    ["not with NO_COLOR", { flag: true, env: { NO_COLOR: "1" }, isTerminal: true }, false],
    ["as if an empty NO_COLOR were not there", { flag: true, env: { NO_COLOR: "" }, isTerminal: true }, true],
    ["elsewhere with FORCE_COLOR", { flag: true, env: { FORCE_COLOR: "1" }, isTerminal: false }, true],
    ["not with FORCE_COLOR=0", { flag: true, env: { FORCE_COLOR: "0" }, isTerminal: true }, false],
    ["not on a dumb terminal", { flag: true, env: { TERM: "dumb" }, isTerminal: true }, false],
  ])("wants them %s", (_name, wishes, wanted) => {
    expect(wantsColors(wishes)).toBe(wanted);
  });
});
