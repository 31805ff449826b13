import { describe, expect, it } from "vitest";
import { proxyFor } from "./proxy.js";

const choose = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env)?.href;

describe("checklist 65: proxyFor", () => {
  const env = { HTTPS_PROXY: "http://user:pw@proxy.example:3128", http_proxy: "plain.example:80" };

  it("chooses by scheme, lower case first, then ALL_PROXY", () => {
    expect(choose("https://ghcr.io/v2/", env)).toBe("http://user:pw@proxy.example:3128/");
    expect(choose("http://reg.example/v2/", env)).toBe("http://plain.example/");
    expect(choose("https://ghcr.io/", { https_proxy: "http://lower/", HTTPS_PROXY: "http://upper/" })).toBe(
      "http://lower/",
    );
    expect(choose("https://ghcr.io/", { all_proxy: "http://all:1/" })).toBe("http://all:1/");
    expect(choose("https://ghcr.io/", {})).toBeUndefined();
  });

  it.each([
    ["*", true],
    ["ghcr.io", true],
    [".ghcr.io", true],
    ["*.ghcr.io", true],
    ["a, ghcr.io:443", true],
    ["ghcr.io:444", false],
    ["cr.io", false],
    ["sub.ghcr.io", false],
    ["", false],
  ])("with NO_PROXY=%s connects directly: %s", (NO_PROXY, direct) => {
    expect(choose("https://ghcr.io/", { ...env, NO_PROXY }) === undefined).toBe(direct);
  });

  it("never proxies this machine", () => {
    for (const host of ["localhost:5000", "127.0.0.1", "[::1]:5000"])
      expect(choose(`https://${host}/`, env)).toBeUndefined();
  });

  it("refuses what is not an http or https URL, without showing it", () => {
    for (const proxy of ["socks5://u:secret@h", "http://u:secret@["]) {
      expect(() => choose("https://ghcr.io/", { HTTPS_PROXY: proxy })).toThrow(
        expect.objectContaining({ code: "INVALID_CONFIG", message: expect.not.stringContaining("secret") }),
      );
    }
  });
});
