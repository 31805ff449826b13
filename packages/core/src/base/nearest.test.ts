import { describe, expect, it } from "vitest";
import { nearestNames } from "./nearest.js";

describe("nearestNames", () => {
  const names = ["python", "py-numpy", "zlib", "zlib-ng", "libgreet", "greeter"];

  it("finds a misspelt name", () => {
    expect(nearestNames("pyhton", names)).toEqual(["python"]);
    expect(nearestNames("greter", names)).toEqual(["greeter"]);
  });

  it("completes a half-typed name", () => {
    expect(nearestNames("zl", names)).toEqual(["zlib", "zlib-ng"]);
  });

  it("offers nothing for a word that is like none of them", () => {
    expect(nearestNames("tensorflow", names)).toEqual([]);
  });
});
