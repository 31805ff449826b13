import { describe, expect, it } from "vitest";
import { parseCommand } from "./parse-command.js";

describe("parseCommand", () => {
  it("takes a JSON list as it is", () => {
    expect(parseCommand('["python3", "-c", "print(1)"]')).toEqual(["python3", "-c", "print(1)"]);
    expect(parseCommand("[]")).toEqual([]);
  });

  it("gives a text to the shell", () => {
    expect(parseCommand("exec python3 $ARGS")).toEqual(["/bin/sh", "-c", "exec python3 $ARGS"]);
  });

  it.each(['["python3"', "[1, 2]", '[["a"]]'])("refuses %s", (text) => {
    expect(parseCommand(text)).toBeUndefined();
  });
});
