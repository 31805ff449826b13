import { describe, expect, it } from "vitest";
import { formatColumns } from "./columns.js";

const cells = (...texts: string[]) => texts.map((plain) => ({ plain, shown: `<${plain}>` }));

describe("formatColumns", () => {
  it("reads downwards in as few rows as fit", () => {
    expect(formatColumns(cells("a", "bb", "c", "ddd", "e"), 11)).toEqual(["<a>   <c>    <e>", "<bb>  <ddd>"]);
  });

  it("has one column where nothing else fits", () => {
    expect(formatColumns(cells("long", "longer"), 4)).toEqual(["<long>", "<longer>"]);
  });

  it("has one row where all fits, and none for nothing", () => {
    expect(formatColumns(cells("a", "b"), 80)).toEqual(["<a>  <b>"]);
    expect(formatColumns([], 80)).toEqual([]);
  });
});
