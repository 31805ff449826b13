import { describe, expect, it } from "vitest";
import { longestRoot, pathTooLong } from "./too-long.js";

const root = "/a/root/of/thirty/bytes/1234567";
const unheld = [
  { file: "bin/tool", string: "/old/tool/share", newPrefix: `${root}/tool-1`, room: 20 },
  { file: "lib/libx.so", string: "/old/x", newPrefix: `${root}/x-1`, room: 15 },
];

describe("longestRoot", () => {
  it("is what the tightest string allows", () => {
    expect(longestRoot(unheld, root)).toBe(11);
  });

  it("is longer where short links in the root do for the strings", () => {
    expect(longestRoot([{ ...unheld[0], file: "f", string: "", newPrefix: `${root}/tool-1`, room: 82 }], root)).toBe(
      31,
    );
    const long = `/${"r".repeat(99)}`;
    const one = {
      file: "f",
      string: "",
      newPrefix: `${long}/a-long-relative-prefix-of-a-package-with-its-hash`,
      room: 82,
    };
    expect(longestRoot([one], long)).toBe(82 - 50);
    expect(longestRoot([one], long, `${long}/.a`)).toBe(82 - "/.a/".length - 7);
    expect(longestRoot([one], long, "/elsewhere")).toBe(82 - 50);
  });

  it("is undefined if no root is short enough", () => {
    expect(
      longestRoot([{ ...unheld[0], file: "f", string: "", newPrefix: `${root}/long-name`, room: 5 }], root),
    ).toBeUndefined();
  });
});

describe("pathTooLong", () => {
  it("names file, string, new prefix and room, and the ways out", () => {
    const error = pathTooLong("tool@1", unheld, root);
    expect(error.code).toBe("RELOCATION_TOO_LONG");
    expect(error.exitCode).toBe(8);
    expect(error.message).toContain(`bin/tool has 20 bytes for ${root}/tool-1 in "/old/tool/share"`);
    expect(error.hint).toContain("at most 11 bytes");
    expect(error.hint).toContain("--alias-dir");
    expect(error.hint).toContain("--allow-unrelocatable");
  });

  it("counts what it doesn't name, on one line", () => {
    const many = Array.from({ length: 9 }, (_, i) => ({
      ...unheld[0],
      file: `f${i}`,
      string: "a\nb",
      newPrefix: root,
      room: 3,
    }));
    const { message } = pathTooLong("tool@1", many, root);
    expect(message).toMatch(/; and 6 more$/);
    expect(message).not.toContain("\n");
  });
});
