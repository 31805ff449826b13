import { describe, expect, it } from "vitest";
import { joinSpecWords } from "./spec-words.js";

describe("joinSpecWords", () => {
  it.each([
    [["libdwarf", "^libelf@0.8.12"], ["libdwarf ^libelf@0.8.12"]],
    [["libdwarf", "+debug", "~shared", "-pic"], ["libdwarf +debug ~shared -pic"]],
    [
      ["zlib", "@1.2:", "target=zen2:", "curl"],
      ["zlib @1.2: target=zen2:", "curl"],
    ],
    [
      ["zlib", "/abcdefg"],
      ["zlib", "/abcdefg"],
    ],
    [
      ["%gcc@12", "zlib"],
      ["%gcc@12", "zlib"],
    ],
    [["gcc languages:=c,c++"], ["gcc languages:=c,c++"]],
    [[], []],
  ])("%j is %j", (words, specs) => {
    expect(joinSpecWords(words)).toEqual(specs);
  });
});
