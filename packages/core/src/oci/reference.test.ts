import { describe, expect, it } from "vitest";
import { formatImageReference, parseImageReference, parseRepository } from "./reference.js";

describe("parseRepository", () => {
  it("checklist 1: takes only repository names of the grammar", () => {
    for (const bad of ["ghcr.io/a__b__/c", "ghcr.io/-a", "ghcr.io/a..b", "ghcr.io/a/", "ghcr.io/ä"]) {
      expect(() => parseRepository(bad), bad).toThrow(/bad reference/);
    }
    expect(parseRepository("ghcr.io/a__b/c-d.e").repository).toBe("a__b/c-d.e");
  });

  it("checklist 1: refuses host and name of more than 255 characters", () => {
    expect(() => parseRepository(`ghcr.io/${"a".repeat(248)}`)).toThrow(/longer than 255/);
    expect(() => parseRepository(`ghcr.io/${"a".repeat(247)}`)).not.toThrow();
  });

  it("checklist 4: a host without a path is an error, not Docker Hub", () => {
    expect(() => parseRepository("ghcr.io")).toThrow(/no path after the registry/);
    expect(() => parseRepository("localhost:5000")).toThrow(/no path after the registry/);
  });
});

describe("parseImageReference", () => {
  it("checklist 2: refuses tags outside of the grammar", () => {
    expect(() => parseImageReference("ubuntu:-x")).toThrow(/not a tag/);
    expect(() => parseImageReference(`ubuntu:${"x".repeat(129)}`)).toThrow(/not a tag/);
  });

  it("checklist 3: takes digests of sha256 and sha512 in lower-case hex, and no others", () => {
    const [short, long] = ["a".repeat(64), "0f".repeat(64)];
    for (const good of [`sha256:${short}`, `sha512:${long}`]) {
      expect(parseImageReference(`ubuntu@${good}`).digest).toBe(good);
    }
    const bad = ["sha256:ABC", `sha256:${short.toUpperCase()}`, `sha256:${long}`, `sha512:${short}`, `blake3:${short}`];
    for (const each of bad) expect(() => parseImageReference(`ubuntu@${each}`), each).toThrow(/digest/);
  });

  it("checklist 5: a name without a registry is at Docker Hub, below library/", () => {
    expect(formatImageReference(parseImageReference("ubuntu:24.04"))).toBe("docker.io/library/ubuntu:24.04");
    expect(formatImageReference(parseImageReference("docker.io/ubuntu"))).toBe("docker.io/library/ubuntu:latest");
    expect(formatImageReference(parseImageReference("index.docker.io/org/x:1"))).toBe("docker.io/org/x:1");
  });

  it("takes a port for a port and not for a tag", () => {
    expect(parseImageReference("localhost:5000/x")).toMatchObject({ registry: "localhost:5000", tag: "latest" });
  });
});
