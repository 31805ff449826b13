import { statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SpkociError } from "./errors.js";
import { fromPlainError, toPlainError } from "./plain-error.js";

/** An error on the other side of a thread. */
function carried(error: unknown): Error {
  return fromPlainError(structuredClone(toPlainError(error)));
}

describe("an error from another thread", () => {
  it("is a SpkociError with code, message, hint and cause, if it was one", () => {
    const cause = systemError();
    const error = new SpkociError("FILE_UNREADABLE", "can't read x", { hint: "Push as root.", cause });
    const copy = carried(error);
    expect(copy).toBeInstanceOf(SpkociError);
    expect(copy).toMatchObject({ code: "FILE_UNREADABLE", message: "can't read x", hint: "Push as root." });
    expect(copy.stack).toBe(error.stack);
    expect(copy.cause).toMatchObject({ code: "ENOENT", syscall: "stat", path: "/not/there", message: cause.message });
    expect(carried(new SpkociError("NO_SPACE", "full"))).toEqual(new SpkociError("NO_SPACE", "full"));
  });

  it("keeps name and message of any other, and what is no error at all", () => {
    expect(carried(new RangeError("too far"))).toMatchObject({ name: "RangeError", message: "too far" });
    expect(carried("a text").message).toBe("a text");
  });

  it("may be its own cause", () => {
    const error = new Error("circle");
    error.cause = error;
    expect(carried(error).message).toBe("circle");
  });
});

function systemError(): Error {
  try {
    statSync("/not/there");
  } catch (error) {
    return error as Error;
  }
  throw new Error("/not/there is there");
}
