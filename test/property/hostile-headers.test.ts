import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallenges } from "../../packages/core/src/registry/challenge.js";
import { resolveLocation } from "../../packages/core/src/registry/endpoint.js";
import { parseErrorBody } from "../../packages/core/src/registry/error-body.js";
import { parseNextLink } from "../../packages/core/src/registry/link.js";
import { parseRetryAfter } from "../../packages/core/src/registry/retry-after.js";
import { parseWarnings } from "../../packages/core/src/registry/warning-header.js";
import { CONTROL, fuzzing, hostileHeader, hostileText, hostileValue } from "./support/fuzz.js";

describe("what a registry says in headers is read without a fault", () => {
  it("challenges, links, warnings, waits and errors", () => {
    fc.assert(
      fc.property(hostileHeader, hostileValue, (text, value) => {
        for (const { scheme, parameters } of parseChallenges(text)) {
          expect(scheme).toMatch(/^[!-~]+$/);
          for (const key of parameters.keys()) expect(key).toMatch(/^[!-~]+$/);
        }
        parseNextLink(text);
        for (const warning of parseWarnings(text)) expect(warning).not.toMatch(CONTROL);
        const wait = parseRetryAfter(text, text);
        if (wait !== undefined) expect(wait).toBeGreaterThanOrEqual(0);
        for (const body of [text, JSON.stringify(value), JSON.stringify({ errors: [value] })]) {
          for (const { code, message } of parseErrorBody(body)) {
            expect(code + message).not.toMatch(CONTROL);
            expect(message.length).toBeLessThan(400);
          }
        }
      }),
      fuzzing("headers", 3000),
    );
  });

  it("places, which never are of another kind, less protected, or with a name and password", () => {
    const part = fc.oneof(
      hostileText,
      fc.constantFrom(
        "http:",
        "https:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "user:pass@",
        "registry.example",
        "evil.example",
        "127.0.0.1",
        "[::1]",
        "169.254.169.254",
        ":443",
        ":80",
        "file:",
        "javascript:",
        "data:",
        "?",
        "#",
        "%00",
        "%2e%2e",
      ),
    );
    const text = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        text,
        fc.constantFrom("https://registry.example/v2/", "http://registry.example:5000/v2/"),
        (location, from) => {
          const base = new URL(from);
          const url = resolveLocation(location, base);
          if (url === undefined) return;
          expect(url.protocol).toMatch(/^https?:$/);
          if (base.protocol === "https:") expect(url.protocol).toBe("https:");
          expect(url.username + url.password + url.hash).toBe("");
        },
      ),
      fuzzing("places", 3000),
    );
  });
});
