import { createCredentialSource, SpkociError } from "@spkoci/core";
import picocolors from "picocolors";
import { describe, expect, it } from "vitest";
import { errorDocument, formatError } from "./error-text.js";

const plain = picocolors.createColors(false);
const cause = new Error("request to https://me:secret@r.example/up?token=hidden failed");
const error = new SpkociError("REGISTRY_UNREACHABLE", "no answer from\u001b[2J r.example", {
  hint: "Look:\n  there",
  cause,
});

describe("formatError", () => {
  it("is one line and the hint", () => {
    expect(formatError(error, { verbose: false, debug: false }, plain)).toBe(
      "spkoci: error: no answer from\\x1b[2J r.example\nhint: Look:\n  there\n",
    );
  });

  it("names causes for --verbose, without what may be secret", () => {
    const text = formatError(error, { verbose: true, debug: false }, plain);
    expect(text).toContain("cause: request to https://r.example/up?... failed\n");
    expect(text).not.toMatch(/secret|hidden|error-text\.test/);
  });

  it("gives stacks for --debug, without what may be secret", () => {
    const text = formatError(error, { verbose: false, debug: true }, plain);
    expect(text).toContain("error-text.test");
    expect(text).not.toMatch(/secret|hidden/);
  });

  it("shows a password that this process knows in no cause and no stack", () => {
    createCredentialSource({ env: { SPKOCI_PASSWORD: "open sesame" }, home: "/home/me" });
    const leaking = new SpkociError("INTERNAL", "unexpected", { cause: new Error("I was told open sesame") });
    const text = formatError(leaking, { verbose: true, debug: true }, plain);
    expect(text).toContain("I was told ***");
    expect(text).not.toContain("sesame");
  });

  it("gives the stack of a defect for --verbose only", () => {
    const defect = new SpkociError("INTERNAL", "unexpected", { cause: new Error("boom") });
    expect(formatError(defect, { verbose: true, debug: false }, plain)).toContain("error-text.test");
    expect(formatError(defect, { verbose: false, debug: false }, plain)).toBe("spkoci: error: unexpected\n");
  });
});

describe("errorDocument", () => {
  it("has code, message and hint, and no cause", () => {
    expect(errorDocument(error)).toEqual({
      error: { code: "REGISTRY_UNREACHABLE", message: error.message, hint: "Look:\n  there" },
    });
  });
});
