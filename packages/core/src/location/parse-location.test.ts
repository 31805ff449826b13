import { describe, expect, it } from "vitest";
import { SpkociError } from "../base/errors.js";
import { formatImageAt, formatLocation, parseImageLocation, parseLocation } from "./parse-location.js";

const digest = `sha256:${"a".repeat(64)}`;

function errorOf(run: () => unknown): SpkociError {
  try {
    run();
  } catch (error) {
    if (error instanceof SpkociError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("parseLocation", () => {
  it.each([
    ["ghcr.io/org/cache", "ghcr.io", "org/cache", false],
    ["oci://ghcr.io/Org/Cache", "ghcr.io", "org/cache", false],
    ["oci+http://127.0.0.1:5000/cache", "127.0.0.1:5000", "cache", true],
    ["localhost/cache", "localhost", "cache", false],
  ])("reads %s as a registry", (text, registry, repository, plainHttp) => {
    expect(parseLocation(text)).toEqual({ kind: "registry", repository: { registry, repository }, plainHttp });
  });

  it("reads oci:DIR as a folder", () => {
    expect(parseLocation("oci:/var/cache/spack")).toEqual({ kind: "layout", folder: "/var/cache/spack" });
    expect(parseLocation("oci:./out")).toEqual({ kind: "layout", folder: "./out" });
  });

  it("reads oci-archive:FILE as a tar, whatever is in its name", () => {
    expect(parseLocation("oci-archive:/disk/cache.tar")).toEqual({ kind: "archive", file: "/disk/cache.tar" });
    expect(parseLocation("oci-archive:a:b")).toEqual({ kind: "archive", file: "a:b" });
  });

  it.each([
    ["oci-archive:", /names no file/],
    ["oci-archive:a\0b", /names no file/],
    ["oci-archive://host/path", /unknown scheme/],
    ["ghcr.io", /no path/],
    ["org/cache", /no registry/],
    ["ghcr.io/org/cache:tag", /not a repository name/],
    ["https://ghcr.io/org/cache", /unknown scheme/],
    ["./folder", /is a path/],
    ["oci:", /names no folder/],
    ["ghcr.io/org//cache", /not a repository name/],
  ])("refuses %s with a hint", (text, message) => {
    const error = errorOf(() => parseLocation(text));
    expect(error.code).toBe("INVALID_REFERENCE");
    expect(error.message).toMatch(message);
    expect(error.hint).toBeTruthy();
  });
});

describe("parseImageLocation", () => {
  it.each([
    ["ubuntu:24.04", "docker.io", "library/ubuntu", "24.04"],
    ["ubuntu", "docker.io", "library/ubuntu", "latest"],
    ["rocky/linux:9", "docker.io", "rocky/linux", "9"],
    [`ghcr.io/org/image:tag@${digest}`, "ghcr.io", "org/image", digest],
    ["localhost:5000/image", "localhost:5000", "image", "latest"],
  ])("reads %s", (text, registry, repository, reference) => {
    expect(parseImageLocation(text)).toEqual({
      location: { kind: "registry", repository: { registry, repository }, plainHttp: false },
      reference,
    });
  });

  it.each([
    ["oci:/images/debian:12", "/images/debian", "12"],
    ["oci:/images/debian", "/images/debian", undefined],
    ["oci:/with:colon/debian", "/with:colon/debian", undefined],
    [`oci:debian@${digest}`, "debian", digest],
  ])("reads %s as an image of a folder", (text, folder, reference) => {
    expect(parseImageLocation(text)).toEqual({ location: { kind: "layout", folder }, reference });
  });
});

describe("parseImageLocation of an archive", () => {
  it.each([
    ["oci-archive:/disk/a.tar:v1", "/disk/a.tar", "v1"],
    ["oci-archive:a.tar", "a.tar", undefined],
    [`oci-archive:a.tar@${digest}`, "a.tar", digest],
  ])("reads %s", (text, file, reference) => {
    expect(parseImageLocation(text)).toEqual({ location: { kind: "archive", file }, reference });
  });
});

describe("formatLocation", () => {
  it("writes what parseLocation reads", () => {
    for (const text of ["ghcr.io/org/cache", "oci:/dir", "oci-archive:a.tar"])
      expect(formatLocation(parseLocation(text))).toBe(text);
  });

  it("names an image by its tag", () => {
    expect(formatImageAt(parseLocation("ghcr.io/org/cache"), "a-1.spack")).toBe("ghcr.io/org/cache:a-1.spack");
    expect(formatImageAt(parseLocation("oci:/dir"), "a-1.spack")).toBe("oci:/dir:a-1.spack");
    expect(formatImageAt(parseLocation("oci-archive:a.tar"), "a-1.spack")).toBe("oci-archive:a.tar:a-1.spack");
  });
});
