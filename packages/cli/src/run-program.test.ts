import { describe, expect, it } from "vitest";
import { runProgram } from "./run-program.js";

const ENV = { PATH: "/usr/bin:/bin" };

describe("a program that is run", () => {
  it("gives its exit code, or 128 and the number of the signal that ended it", async () => {
    expect(await runProgram(["sh", "-c", "exit 7"], ENV, false)).toBe(7);
    expect(await runProgram(["sh", "-c", "kill -9 $$"], ENV, false)).toBe(128 + 9);
  });

  it.each([
    ["is nowhere", "spkoci-no-such-program"],
    ["has no name", ""],
    ["has a longer name than files have", "x".repeat(5000)],
  ])("that %s is told of", async (_what, program) => {
    await expect(runProgram([program], ENV, false)).rejects.toMatchObject({
      code: "COMMAND_NOT_FOUND",
      message: `can't start ${JSON.stringify(program.slice(0, 200))}`,
    });
  });
});
