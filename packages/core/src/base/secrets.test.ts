import { describe, expect, it } from "vitest";
import { SpkociError } from "./errors.js";
import { rememberSecret, withoutSecrets } from "./secrets.js";

describe("withoutSecrets", () => {
  it("blots out what was noted, however it is written", () => {
    rememberSecret('p/a$s "word"+1');
    rememberSecret("ghp_Token.1");
    expect(withoutSecrets('said p/a$s "word"+1, and p%2Fa%24s%20%22word%22%2B1')).toBe("said ***, and ***");
    expect(withoutSecrets(JSON.stringify({ it: 'p/a$s "word"+1' }))).toBe('{"it":"***"}');
    expect(withoutSecrets("GHP_TOKEN.1 ghp_TokenX1")).toBe("*** ghp_TokenX1");
  });

  it("takes the longer of two that begin alike", () => {
    rememberSecret("abcdefgh");
    rememberSecret("abcdefghijkl");
    expect(withoutSecrets("abcdefghijkl")).toBe("***");
  });

  it("leaves alone what is too short to be told from words", () => {
    rememberSecret("error");
    expect(withoutSecrets("an error")).toBe("an error");
  });

  it("forgets the oldest of very many", () => {
    for (let n = 0; n < 2000; n += 1) rememberSecret(`token-number-${n}-`);
    expect(withoutSecrets("token-number-1999- token-number-0-")).toBe("*** token-number-0-");
  });
});

describe("a SpkociError", () => {
  it("has one line without secrets and control characters, of limited length", () => {
    rememberSecret("hunter2hunter2");
    const error = new SpkociError("INTERNAL", `it says hunter2hunter2\n\u001b[2J${"x".repeat(1e6)}`, {
      hint: "Say hunter2hunter2\nor not.",
    });
    expect(error.message).toMatch(/^it says \*\*\*\\n\\x1b\[2Jxxx/);
    expect(error.message.length).toBeLessThan(5000);
    expect(error.hint).toBe("Say ***\nor not.");
  });
});
