import { describe, expect, it } from "vitest";
import { withoutPadding } from "./padding.js";

const FULL = "__spack_path_placeholder__";

describe("withoutPadding", () => {
  it.each([
    ["/opt/spack", "/opt/spack"],
    [`/opt/spack/${FULL}`, "/opt/spack"],
    [`/opt/spack/${FULL}/${FULL}/__spack_path_pla`, "/opt/spack"],
    ["/opt/spack/__spack", "/opt/spack"],
    ["/opt/spack/_", "/opt/spack/_"],
    [`/opt/${FULL}/spack`, `/opt/${FULL}/spack`],
  ])("%s is %s", (root, unpadded) => {
    expect(withoutPadding(root)).toBe(unpadded);
  });
});
