import { describe, expect, it } from "vitest";
import { findOrigin, isLoopback, resolveLocation } from "./endpoint.js";

describe("findOrigin", () => {
  it("checklist 5: reaches Docker Hub at its API's host, always by https", async () => {
    expect((await findOrigin("docker.io", { plainHttp: true })).href).toBe("https://registry-1.docker.io/");
  });

  it("checklist 65: speaks http only when told, to all hosts or to those listed", async () => {
    expect((await findOrigin("ghcr.io", {})).href).toBe("https://ghcr.io/");
    expect((await findOrigin("reg.example:5000", { plainHttp: true })).href).toBe("http://reg.example:5000/");
    const listed = { plainHttp: ["reg.example:5000"] };
    expect((await findOrigin("reg.example:5000", listed)).href).toBe("http://reg.example:5000/");
    expect((await findOrigin("reg.example", listed)).href).toBe("https://reg.example/");
  });

  it.each([
    ["localhost", true],
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["[::1]", true],
    ["127.evil.example", false],
    ["localhost.example", false],
    ["10.0.0.1", false],
  ])("takes %s for this machine: %s", (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

describe("resolveLocation", () => {
  const base = new URL("https://reg.example:5000/v2/a/blobs/uploads/");

  it("checklist 25: keeps a URL's query as it is, relative or absolute", () => {
    expect(resolveLocation("/v2/a/blobs/upload/1?_state=a%2Bb=&x=%20", base)?.href).toBe(
      "https://reg.example:5000/v2/a/blobs/upload/1?_state=a%2Bb=&x=%20",
    );
    expect(resolveLocation("https://other.example/u?s=1", base)?.href).toBe("https://other.example/u?s=1");
  });

  it("keeps https to a host that calls itself http, and goes down to http nowhere else", () => {
    expect(resolveLocation("http://reg.example:5000/x", base)?.href).toBe("https://reg.example:5000/x");
    expect(resolveLocation("http://reg.example/x", base)?.href).toBe("https://reg.example:5000/x");
    expect(resolveLocation("http://other.example/x", base)).toBeUndefined();
    expect(resolveLocation("http://reg.example:81/x", base)).toBeUndefined();
  });

  it("drops users and passwords, and takes no other scheme", () => {
    expect(resolveLocation("https://user:secret@reg.example/x#f", base)?.href).toBe("https://reg.example/x");
    for (const location of ["file:///etc/passwd", "ftp://h/x", "javascript:1", "https://", "http://[bad"]) {
      expect(resolveLocation(location, base)).toBeUndefined();
    }
  });
});
