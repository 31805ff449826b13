import { describe, expect, it } from "vitest";
import { INDEX_TAG, isPackageTag, packageTag } from "./tag.js";

const hash = "53zaetjpu7mwvi3vv3n2rag7yc3a4nuh";

describe("packageTag", () => {
  it("is name, version and hash", () => {
    expect(packageTag({ name: "greeter", version: "2.1", hash })).toBe(`greeter-2.1-${hash}.spack`);
  });

  it("has _ for every character that a tag can't hold", () => {
    expect(packageTag({ name: "py-x", version: "git.feature/ü=1.0+a", hash })).toBe(
      `py-x-git.feature___1.0_a-${hash}.spack`,
    );
  });

  it("keeps the first and last 64 characters of a long one", () => {
    const name = "n".repeat(100);
    const tag = packageTag({ name, version: "1.0", hash });
    expect(tag).toHaveLength(128);
    expect(tag).toBe("n".repeat(64) + `${name}-1.0-${hash}.spack`.slice(-64));
    expect(packageTag({ name: "n".repeat(85), version: "1.0", hash })).toHaveLength(128);
  });
});

describe("isPackageTag", () => {
  it("tells packages from the index and from other tags", () => {
    expect(isPackageTag(`greeter-2.1-${hash}.spack`)).toBe(true);
    expect(isPackageTag(INDEX_TAG)).toBe(false);
    expect(isPackageTag("greetings")).toBe(false);
  });
});
