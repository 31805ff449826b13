import { describe, expect, it } from "vitest";
import { type Rectangle, squarify } from "./squarify.js";

const FIELD: Rectangle = { x: 10, y: 20, width: 600, height: 400 };

const areaOf = ({ width, height }: Rectangle): number => width * height;

describe("squarify", () => {
  it("gives each value a piece as large as its share", () => {
    const values = [6, 6, 4, 3, 2, 2, 1];
    const pieces = squarify(values, FIELD);
    const total = values.reduce((a, b) => a + b);
    for (const [at, value] of values.entries()) {
      expect(areaOf(pieces[at] as Rectangle)).toBeCloseTo((areaOf(FIELD) * value) / total, 3);
    }
  });

  it("keeps pieces within the field and apart from each other", () => {
    const values = Array.from({ length: 80 }, (_, at) => 1e9 / (at + 1) ** 2);
    const pieces = squarify(values, FIELD);
    const near = 1e-6;
    for (const [at, one] of pieces.entries()) {
      expect(one.x).toBeGreaterThanOrEqual(FIELD.x - near);
      expect(one.y).toBeGreaterThanOrEqual(FIELD.y - near);
      expect(one.x + one.width).toBeLessThanOrEqual(FIELD.x + FIELD.width + near);
      expect(one.y + one.height).toBeLessThanOrEqual(FIELD.y + FIELD.height + near);
      for (const other of pieces.slice(at + 1)) {
        const across = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
        const down = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
        expect(across > near && down > near).toBe(false);
      }
    }
  });

  it("makes pieces that are nearly square", () => {
    const pieces = squarify([6, 6, 4, 3, 2, 2, 1], FIELD);
    for (const { width, height } of pieces) expect(Math.max(width / height, height / width)).toBeLessThan(4);
  });

  it.each([[[0, 0]], [[5, 0, -1]], [[]], [[1]]])("has one piece for each of %j, of finite size", (values) => {
    const pieces = squarify(values, FIELD);
    expect(pieces).toHaveLength(values.length);
    for (const [at, piece] of pieces.entries()) {
      expect(Object.values(piece).every(Number.isFinite)).toBe(true);
      if ((values[at] as number) <= 0) expect(areaOf(piece)).toBe(0);
    }
  });

  it("bears a field without room", () => {
    const pieces = squarify([2, 1], { x: 0, y: 0, width: 0, height: 400 });
    expect(pieces.map(areaOf)).toEqual([0, 0]);
  });
});
