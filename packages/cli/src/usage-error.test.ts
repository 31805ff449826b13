import type { SpkociError } from "@spkoci/core";
import type { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { createProgram } from "./program.js";
import { usageError } from "./usage-error.js";

async function errorOf(...words: readonly string[]): Promise<SpkociError> {
  const program = createProgram("1.2.3", async () => {}, { out: () => {}, err: () => {} });
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    return usageError(error as CommanderError, words, program);
  }
  throw new Error(`${words.join(" ")} is not wrong`);
}

describe("usageError", () => {
  it.each<[string, string, string]>([
    ["pusj oci:a", "unknown command 'pusj'", "Did you mean push?"],
    ["zzzzzz", "unknown command 'zzzzzz'", "`spkoci help` lists the commands."],
    ["push --verify-cach oci:a", "unknown option '--verify-cach'", "Did you mean --verify-cache?"],
    ["push --verify-cach=1 oci:a", "unknown option '--verify-cach'", "Did you mean --verify-cache?"],
    ["push --lable=a oci:a", "unknown option '--lable'", "Did you mean --label?"],
    ["push --frobnicate=1 oci:a", "unknown option '--frobnicate'", "`spkoci help push` says how it is used."],
    [
      "push --verify-cache=yes oci:a",
      "option '--verify-cache' takes no value",
      "`spkoci help push` says how it is used.",
    ],
    ["push --quiet=yes oci:a", "option '--quiet' takes no value", "`spkoci help push` says how it is used."],
    ["install --chunk-size 5 oci:a", "unknown option '--chunk-size'", "`spkoci help install` says how it is used."],
    ["cache infoo", "action: must be info or clean", "Did you mean info?"],
    ["cache run", "action: must be info or clean", "`spkoci help cache` says how it is used."],
    ["check oci:a --level imdex", "--level: must be index, manifests, blobs or contents", "Did you mean index?"],
    ["push", "missing required argument 'target'", "`spkoci help push` says how it is used."],
    ["push --alll x", "unknown option '--alll'", "Did you mean --all?"],
    ["install oci:a", "missing required argument 'spec'", "`spkoci help install` says how it is used."],
    [
      "logout a b",
      "too many arguments for 'logout'. Expected 1 argument but got 2.",
      "`spkoci help logout` says how it is used.",
    ],
    ["list", "missing required argument 'source'", "`spkoci help list` says how it is used."],
    ["show oci:a", "missing required argument 'spec'", "`spkoci help show` says how it is used."],
    ["tree oci:a", "missing required argument 'spec'", "`spkoci help tree` says how it is used."],
    [
      "push --quiet --verbose x y",
      "option '-v, --verbose' cannot be used with option '-q, --quiet'",
      "`spkoci help push` says how it is used.",
    ],
  ])("says of `spkoci %s`: %s", async (words, message, hint) => {
    expect(await errorOf(...words.split(" "))).toMatchObject({ code: "INVALID_ARGUMENT", message, hint });
  });
});
