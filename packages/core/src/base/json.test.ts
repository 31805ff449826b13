import { describe, expect, it } from "vitest";
import { formatJson, parseJson, RawJson } from "./json.js";

describe("formatJson", () => {
  it("writes compact JSON in the order of the keys, without undefined members", () => {
    expect(formatJson({ b: 1, a: [true, null, "x\n"], none: undefined, inner: {} })).toBe(
      '{"b":1,"a":[true,null,"x\\n"],"inner":{}}',
    );
  });

  it("puts raw text in as it is", () => {
    expect(formatJson({ spec: new RawJson('{"10":1.0}') })).toBe('{"spec":{"10":1.0}}');
  });
});

describe("parseJson", () => {
  it.each(["__proto__", "\\u005f_proto__"])("drops %s keys", (key) => {
    const value = parseJson(`{"${key}":{"polluted":true},"a":1}`, "x") as Record<string, unknown>;
    expect(value).toEqual({ a: 1 });
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(value.polluted).toBeUndefined();
  });

  it("names the document that is broken", () => {
    expect(() => parseJson("{", "manifest of x")).toThrow("manifest of x is not valid JSON");
  });
});
