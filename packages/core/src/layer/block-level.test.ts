import { describe, expect, it } from "vitest";
import { chooseBlockLevel } from "./block-level.js";

const BLOCK = 1024 * 1024;

describe("chooseBlockLevel", () => {
  it.each([
    ["text", Buffer.from("The quick brown fox jumps over the lazy dog; 0123456789.\n".repeat(1000))],
    ["zeros", Buffer.alloc(BLOCK)],
    ["a few bytes", Buffer.from("a")],
    ["nothing", Buffer.alloc(0)],
  ])("chooses 5 for %s", (_name, block) => {
    expect(chooseBlockLevel(block)).toBe(5);
  });

  it("chooses 4 for bytes of no order", () => {
    expect(chooseBlockLevel(Buffer.from(Array.from({ length: BLOCK }, (_, at) => (at * 40503) >> 8)))).toBe(4);
  });
});
