import { describe, expect, it } from "vitest";
import { oneLine, parseErrorBody } from "./error-body.js";

describe("checklist 62: parseErrorBody", () => {
  it("reads a registry's list with its details", () => {
    const body = JSON.stringify({
      errors: [{ code: "DENIED", message: "no", detail: { a: 1 } }, { code: "X" }, null, 7],
    });
    expect(parseErrorBody(body)).toEqual([
      { code: "DENIED", message: "no", detail: { a: 1 } },
      { code: "X", message: "" },
    ]);
  });

  it.each([
    ['{"error":"invalid_grant","error_description":"expired"}', [{ code: "invalid_grant", message: "expired" }]],
    ['{"details":"incorrect username or password"}', [{ code: "", message: "incorrect username or password" }]],
    ["plain words\nand more", [{ code: "", message: "plain words" }]],
    ["<html><body>502</body></html>", []],
    ['{"errors":"none"}', []],
    ["[1,2]", []],
    ["\0\0binary", []],
    ["", []],
  ])("survives %j", (body, expected) => {
    expect(parseErrorBody(body)).toEqual(expected);
  });

  it("makes one short line without control characters of whatever a registry says", () => {
    expect(oneLine("a\u001b[31mred\r\n\tb\u2028c\u202e")).toBe("a [31mred b c");
    expect(oneLine("x".repeat(1000)).length).toBe(301);
  });

  it("blots secrets out that a registry echoes", () => {
    const [entry] = parseErrorBody('{"errors":[{"code":"UNAUTHORIZED","message":"bad token tok3n-value!"}]}', [
      "tok3n-value",
    ]);
    expect(entry?.message).toBe("bad token ***!");
  });
});
