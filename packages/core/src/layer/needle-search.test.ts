import { describe, expect, it } from "vitest";
import { NeedleSearch, prepareNeedles } from "./needle-search.js";

function searched(needles: readonly string[], chunks: readonly string[]): NeedleSearch {
  const search = new NeedleSearch(prepareNeedles(needles));
  for (const chunk of chunks) search.update(Buffer.from(chunk, "latin1"));
  return search;
}

function finds(needles: readonly string[], ...chunks: string[]): boolean {
  return searched(needles, chunks).found;
}

function placesOf(needles: readonly string[], ...chunks: string[]): readonly number[] | undefined {
  return searched(needles, chunks).offsets;
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

  it("tells where paths begin, whatever they follow and however they are cut", () => {
    expect(placesOf(["/opt/x", "/usr"], "/op", "t/x /mnt/opt/", "x/usr", "/opt/x")).toEqual([0, 11, 17, 21]);
    expect(placesOf(["/a/a"], "/a/a", "/a")).toEqual([0, 2]);
    expect(placesOf(["/opt/x"], "none")).toEqual([]);
  });

  it("finds the same however a text is cut in three", () => {
    const needles = ["/opt/spack", "/usr/lib/a", "/u"];
    for (const text of [
      "x/opt/spack:/usr/lib/a/opt/spack/usr/u",
      "-a-b/opt/spack/u=/usr/lib/usr/lib/a",
      "a/b-c/opt/spack",
    ]) {
      const whole = searched(needles, [text]);
      for (let one = 0; one <= text.length; one += 1) {
        for (let two = one; two <= text.length; two += 1) {
          const cut = searched(needles, [text.slice(0, one), text.slice(one, two), text.slice(two)]);
          expect([cut.found, cut.offsets], `cut at ${one} and ${two}`).toEqual([whole.found, whole.offsets]);
        }
      }
    }
  });

  it("tells no places where there are more than 1,000, but still finds the path", () => {
    expect(placesOf(["/opt/x"], "/opt/x ".repeat(1000))).toHaveLength(1000);
    expect(placesOf(["/opt/x"], "/opt/x ".repeat(1001))).toBeUndefined();
    expect(finds(["/opt/x"], "/a/opt/x ".repeat(1001), "/opt/x")).toBe(true);
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
