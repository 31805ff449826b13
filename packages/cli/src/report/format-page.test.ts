import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { formatPage, PAGE_START } from "./format-page.js";
import type { PageData } from "./page/page-data.js";

const ASSETS = { script: "console.log(1 < 2);\n", style: "body { margin: 0 }\n" };
const HOSTILE = "</script><script>alert(1)</script><!--\u2028\u2029\u0000\u001b\"'`&\ud800";

function dataWith(text: string): PageData {
  return {
    source: text,
    program: "spkoci 0.1.0",
    queries: [text],
    architectures: [text],
    packages: [
      {
        name: text,
        version: text,
        hash: "abc",
        spec: text,
        image: text,
        digest: text,
        architecture: 0,
        layers: [0],
        documents: 1,
        created: null,
        runs: [],
        builds: [],
        lacks: [text],
      },
    ],
    layers: [{ digest: text, size: 1, package: 0 }],
    broken: [{ image: text, message: text }],
  };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64");

describe("formatPage", () => {
  it("has the data in it, of which nothing can be taken for HTML", () => {
    const page = formatPage(dataWith(HOSTILE), ASSETS);
    const [, json = ""] = /<script type="application\/json" id="data">([^<]*)<\/script>/.exec(page) ?? [];
    expect(JSON.parse(json)).toEqual(dataWith(HOSTILE));
    expect(json).not.toMatch(/[\u2028\u2029]/);
    expect([...json].filter((character) => character < " ")).toEqual([]);
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page.match(/<!--/g)).toHaveLength(1);
  });

  it("allows this script and this style sheet and nothing else", () => {
    const page = formatPage(dataWith("a"), ASSETS);
    const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page) ?? [];
    const allowed = `script-src 'sha256-${sha256(ASSETS.script)}'; style-src 'sha256-${sha256(ASSETS.style)}'`;
    expect(policy).toBe(`default-src 'none'; ${allowed}; img-src data:; base-uri 'none'; form-action 'none'`);
    expect(page).not.toMatch(/(?:src|href|action)="(?!data:)/);
  });

  it("begins so that an older report is known by it, and says what it is of", () => {
    const page = formatPage(dataWith("a&b"), ASSETS);
    expect(page.startsWith(PAGE_START)).toBe(true);
    expect(page).toContain("<title>a&amp;b – spkoci report</title>");
    expect(page).toContain("1 package of this cache: those that match <code>a&amp;b</code>");
    expect(page).toContain("1 image can't be read");
  });

  it("has no script where there is nothing to draw", () => {
    const page = formatPage({ ...dataWith("a"), packages: [], broken: [] }, ASSETS);
    expect(page).toContain("There are no packages in this cache.");
    expect(page).not.toContain("<script");
  });
});
