import { describe, expect, it } from "vitest";
import { parseNextLink } from "./link.js";

describe("checklist 53: parseNextLink", () => {
  it.each([
    ['</v2/a/tags/list?last=x&n=2>; rel="next"', "/v2/a/tags/list?last=x&n=2"],
    ["<https://h/p>;rel=next", "https://h/p"],
    ['<p?a=1,2;b>; title="a, \\"b\\"; rel=\\"prev\\""; REL="prev next"', "p?a=1,2;b"],
    ['<first>; rel="first", <second>; rel="next"', "second"],
    ['<p>; rel="nextish"', undefined],
    ["</p>", undefined],
    ["", undefined],
    ["<<<<;;;rel=next", undefined],
  ])("of %j is %j", (header, target) => {
    expect(parseNextLink(header)).toBe(target);
  });
});
