import { describe, expect, it } from "vitest";
import { itemsOf, memberOf, membersOf, parseLosslessJson } from "./lossless-json.js";

describe("parseLosslessJson", () => {
  it("drops white space between tokens and keeps tokens and the order of keys", () => {
    const text = ' { "b" : 1.0 ,\n\t"10":[ 1e5 , 12345678901234567890 ] , "2" : "a \\u00e9 , }" }\r\n';
    expect(parseLosslessJson(text, "x").text).toBe('{"b":1.0,"10":[1e5,12345678901234567890],"2":"a \\u00e9 , }"}');
  });

  it("gives the text of members and items as written", () => {
    const { text } = parseLosslessJson('{"a":{"x":[1,{"y":"]"}]},"b":"\\\\","c":[ ],"d":[1,"two",[3]]}', "x");
    expect([...membersOf(text)]).toEqual([
      ["a", '{"x":[1,{"y":"]"}]}'],
      ["b", '"\\\\"'],
      ["c", "[]"],
      ["d", '[1,"two",[3]]'],
    ]);
    expect([...itemsOf(memberOf(text, "d") ?? "")]).toEqual(["1", '"two"', "[3]"]);
    expect([...itemsOf("[]")]).toEqual([]);
    expect([...membersOf("{}")]).toEqual([]);
  });

  it("finds the last of several members of one name, as parsers do", () => {
    expect(memberOf('{"a":1,"a":2}', "a")).toBe("2");
  });

  it("undoes escapes in keys", () => {
    expect(memberOf('{"\\u0061":1}', "a")).toBe("1");
  });

  it.each(["", "{", '{"a"', '"abc', '"abc\\', "[1,]", "{}}", "nul", "[1 2]", "\u0000"])("refuses %j", (text) => {
    expect(() => parseLosslessJson(text, "the file", "SPEC_INVALID")).toThrow(
      expect.objectContaining({ code: "SPEC_INVALID", message: "the file is not valid JSON" }),
    );
  });

  it("refuses JSON that is nested too deeply", () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    expect(() => parseLosslessJson(deep, "the file")).toThrow(
      expect.objectContaining({ code: "DOCUMENT_INVALID", message: "the file is nested too deeply" }),
    );
  });
});
