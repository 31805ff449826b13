import { describe, expect, it } from "vitest";
import { cleanLines, cleanText, formatJsonLine } from "./clean-text.js";

describe("cleanText", () => {
  it("shows what could steer a terminal as escapes", () => {
    expect(cleanText("a\u001b[2Jb\u0007c\u009bd\r\ne")).toBe("a\\x1b[2Jb\\x07c\\x9bd\\x0d\\ne");
  });

  it("shows characters that reorder text as escapes", () => {
    expect(cleanText("zlib\u202egpj.exe\u2066")).toBe("zlib\\u202egpj.exe\\u2066");
  });

  it("leaves names in other scripts alone", () => {
    expect(cleanText("größe 日本語 🚀")).toBe("größe 日本語 🚀");
  });
});

describe("cleanLines", () => {
  it("keeps line breaks and cleans each line", () => {
    expect(cleanLines("one\r\ntw\u001bo\n")).toBe("one\ntw\\x1bo\n");
  });
});

describe("formatJsonLine", () => {
  it("is one harmless line that parses to the same value", () => {
    const value = { name: "a\u001b[31m\u009b\u2028\u202e\n", list: [1, null] };
    const line = formatJsonLine(value);
    expect(line).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(line)).toEqual(value);
  });
});
