import { describe, expect, it } from "vitest";
import type { CachedSpec } from "../catalog/cached-spec.js";
import type { RelocationTarget } from "../relocate/prefix-map.js";
import type { BuildInfo } from "../spack/build-info.js";
import type { ConcreteSpec } from "../spack/concrete-spec.js";
import { imageEnvironment } from "./image-environment.js";

const target: RelocationTarget = { root: "/new", prefix: "/new/a", prefixes: new Map(), sbang: "/new/bin/sbang" };
const info: BuildInfo = {
  buildpath: "/old",
  relativePrefix: "a",
  hashToPrefix: new Map([["aaa", "/old/a"]]),
  hardlinksDeduped: true,
  relocateBinaries: [],
  relocateLinks: [],
  relocateTextfiles: [],
};

/** Of an image of one package with these variables; a second layer is a base image's. */
function cached(env: readonly string[], layerCount = 1): CachedSpec {
  const root = { name: "a", hash: "aaa", dependencies: [] } as unknown as ConcreteSpec;
  return { root, nodes: new Map([["aaa", root]]), env, layerCount } as unknown as CachedSpec;
}

describe("imageEnvironment", () => {
  it("prepends the packages' folders of a list, and leaves the others to this machine", () => {
    expect(
      imageEnvironment(cached(["PATH=/old/a/bin:/old/a/bin:/old/b/bin:/usr/bin", "X_DIRS=/old/a/x"]), info, target),
    ).toEqual([
      { kind: "prepend", name: "PATH", value: "/new/a/bin:/new/b/bin" },
      { kind: "prepend", name: "X_DIRS", value: "/new/a/x" },
    ]);
  });

  it("sets what names a prefix and is no list", () => {
    expect(imageEnvironment(cached(["A_HOME=/old/a", "FLAGS=-I/old/a/include -O2"]), info, target)).toEqual([
      { kind: "set", name: "A_HOME", value: "/new/a" },
      { kind: "set", name: "FLAGS", value: "-I/new/a/include -O2" },
    ]);
  });

  it("leaves out what a base image may have said", () => {
    const env = ["MODE=fast", "LANG=C.UTF-8", "A_HOME=/old/a"];
    expect(imageEnvironment(cached(env), info, target).map(({ name }) => name)).toEqual(["MODE", "LANG", "A_HOME"]);
    expect(imageEnvironment(cached(env, 2), info, target).map(({ name }) => name)).toEqual(["A_HOME"]);
  });

  it("leaves out paths of the builder's system, and what no shell can have", () => {
    const env = [
      "MANPATH=/usr/share/man",
      "EMPTY=",
      "a b=/old/a",
      "X;reboot=1",
      "=x",
      "no line",
      "ESC=/old/a\u001b[2J",
    ];
    expect(imageEnvironment(cached(env), info, target)).toEqual([]);
  });

  it("keeps what names a prefix that stays where it is", () => {
    const same = { ...target, root: "/old", prefix: "/old/a" };
    expect(imageEnvironment(cached(["A_HOME=/old/a"]), info, same)).toEqual([
      { kind: "set", name: "A_HOME", value: "/old/a" },
    ]);
  });
});
