import { describe, expect, it } from "vitest";
import { parseChallenges } from "./challenge.js";

const plain = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

describe("parseChallenges", () => {
  it("checklist 6: reads quoted strings with commas, escapes and spaces, and names in any case", () => {
    const header =
      'BEARER Realm="https://auth.example/token?a=1,2",service = "a \\"b\\"", SCOPE="repository:a/b:pull,push"';
    expect(plain(header)).toEqual([
      ["bearer", { realm: "https://auth.example/token?a=1,2", service: 'a "b"', scope: "repository:a/b:pull,push" }],
    ]);
  });

  it("checklist 6: reads several challenges of one header, unquoted values and empty elements", () => {
    const header =
      'Negotiate, Basic realm=registry , ,Bearer realm="https://a/t",service=s, NTLM TlRMTVNTUAA=, Digest a="b"';
    expect(plain(header)).toEqual([
      ["negotiate", {}],
      ["basic", { realm: "registry" }],
      ["bearer", { realm: "https://a/t", service: "s" }],
      ["ntlm", {}],
      ["digest", { a: "b" }],
    ]);
  });

  it("reads a value that is a URL without quotes", () => {
    expect(plain("Bearer realm=https://a/t")).toEqual([["bearer", { realm: "https://a/t" }]]);
  });

  it.each(["", "   ", ",,,", "=", '"', 'Bearer realm="open', "\u0000"])("survives %j", (header) => {
    expect(parseChallenges(header).every(({ scheme }) => scheme !== "")).toBe(true);
  });

  it("keeps the first of repeated parameters and takes no name from the prototype", () => {
    const [challenge] = parseChallenges('Bearer realm="one", realm="two", __proto__="x"');
    expect(challenge?.parameters.get("realm")).toBe("one");
    expect(challenge?.parameters.get("constructor")).toBeUndefined();
  });
});
