import { describe, expect, it } from "vitest";
import { NeedleSearch, prepareNeedles } from "./needle-search.js";

function finds(needles: readonly string[], ...chunks: string[]): boolean {
  const search = new NeedleSearch(prepareNeedles(needles));
  for (const chunk of chunks) search.update(Buffer.from(chunk, "latin1"));
  return search.found;
}

describe("NeedleSearch", () => {
  it.each(["/opt/x", "a /opt/x/lib", "-I/opt/x", "prefix=/opt/x-1.0", "\0/opt/x", "a_b-c9/opt/x", "\n/opt/xyz"])(
    "finds a path in %j",
    (text) => expect(finds(["/opt/x"], text)).toBe(true),
  );

  it.each(["", "/opt/", "opt/x", "/mnt/opt/x", "/mnt-2_b/opt/x", "//opt/x", "text /neither/opt/x text"])(
    "doesn't find it in %j, where it is absent or the end of another path",
    (text) => expect(finds(["/opt/x"], text)).toBe(false),
  );

  it("goes on after an occurrence that is the end of another path", () => {
    expect(finds(["/opt/x"], "/mnt/opt/x:/opt/x")).toBe(true);
  });

  it("finds any of several paths", () => {
    expect(finds(["/first/path", "/second/path"], "/the/first/path but /second/path/sub")).toBe(true);
  });

  it("finds a path that is cut by the end of a chunk", () => {
    expect(finds(["/opt/x"], "text /op", "t", "/x text")).toBe(true);
  });

  it("remembers over chunks that an occurrence is the end of another path", () => {
    expect(finds(["/opt/x"], "/mnt", "-a-long-folder-name", "-that-goes-on", "/opt/x")).toBe(false);
    expect(finds(["/opt/x"], "=mnt", "-a-long-folder-name", "-that-goes-on", "/opt/x")).toBe(true);
  });

  it("finds nothing without needles", () => {
    expect(finds([], "/opt/x")).toBe(false);
  });
});

describe("prepareNeedles", () => {
  it("leaves out what another needle finds anyway, and what is no absolute path", () => {
    const needles = prepareNeedles(["/opt/spack/lib", "/opt/spack", "/opt/spack", "", "relative", "/usr"]);
    expect(needles.map(String)).toEqual(["/opt/spack", "/usr"]);
  });
});
