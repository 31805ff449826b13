import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { parseShellExports } from "./shell-exports.js";

describe("parseShellExports", () => {
  it.each([
    ["a plain word", "export A=/opt/x:/opt/y;\n", "/opt/x:/opt/y"],
    ["an empty value", "export A='';\n", ""],
    ["an empty word", "export A=;\n", ""],
    ["single quotes", "export A='a b;c';\n", "a b;c"],
    ["a quote in quotes", `export A='it'"'"'s';\n`, "it's"],
    ["an escaped quote", "export A='it'\\''s';\n", "it's"],
    ["double quotes", 'export A="a \\"b\\" \\\\ c";\n', 'a "b" \\ c'],
    ["newlines", "export A='one\ntwo\n';\n", "one\ntwo\n"],
    ["no newline at the end", "export A=1;", "1"],
  ])("reads %s as a shell does", (_, line, value) => {
    expect(parseShellExports(line).get("A")).toBe(value);
    expect(execFileSync("sh", ["-c", `${line}\nprintf %s "$A"`], { encoding: "utf8" })).toBe(value);
  });

  it("takes $ for itself", () => {
    expect(parseShellExports(`export A="hello, $USER";\nexport B='$HOME';\n`)).toEqual(
      new Map([
        ["A", "hello, $USER"],
        ["B", "$HOME"],
      ]),
    );
  });

  it("passes over other lines, and over what only looks like one inside a value", () => {
    expect(
      parseShellExports("==> Warning: x\nunset B;\nexport A='\nexport C=1;\n';\nexport 1=2;\nexport D=3\n"),
    ).toEqual(
      new Map([
        ["A", "\nexport C=1;\n"],
        ["D", "3"],
      ]),
    );
  });

  it("refuses a quote that isn't closed", () => {
    expect(() => parseShellExports("export A='abc")).toThrow(expect.objectContaining({ code: "SPACK_FAILED" }));
  });
});
