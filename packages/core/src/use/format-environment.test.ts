import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { EnvModification } from "../spack/env-modification.js";
import { type EnvironmentShell, formatEnvironment } from "./format-environment.js";

const run = promisify(execFile);

const AWKWARD = 'it\'s $HOME `id` "!x" \\n\n*';

/** What `name` is after `script` in sh, with `current` before it; undefined if it isn't exported. */
async function evaluate(
  script: string,
  name: string,
  current: Record<string, string> = {},
): Promise<string | undefined> {
  const program = 'set -eu; eval "$1"; exec /usr/bin/env -0';
  const { stdout } = await run("/bin/sh", ["-c", program, "sh", script], { env: current });
  const line = stdout.split("\0").find((each) => each.startsWith(`${name}=`));
  return line?.slice(name.length + 1);
}

function prepend(name: string, value: string): EnvModification {
  return { kind: "prepend", name, value };
}

describe("formatEnvironment for sh", () => {
  it("puts folders before the value that the shell has, the last prepend first", async () => {
    const script = formatEnvironment([prepend("PATH", "/a/bin"), prepend("PATH", "/b/bin")], "sh");
    expect(await evaluate(script, "PATH", { PATH: "/usr/bin:/bin" })).toBe("/b/bin:/a/bin:/usr/bin:/bin");
  });

  it.each([{}, { PYTHONPATH: "" }])("leaves no empty folder where there is no value: %j", async (current) => {
    const script = formatEnvironment([prepend("PYTHONPATH", "/a/lib")], "sh");
    expect(await evaluate(script, "PYTHONPATH", current)).toBe("/a/lib");
  });

  it("keeps the system's manual pages", async () => {
    const script = formatEnvironment([prepend("MANPATH", "/a/man")], "sh");
    expect(await evaluate(script, "MANPATH")).toBe("/a/man:");
    expect(await evaluate(script, "MANPATH", { MANPATH: "/x" })).toBe("/a/man:/x");
  });

  it("sets values whatever characters they have", async () => {
    const script = formatEnvironment([{ kind: "set", name: "X", value: AWKWARD }, prepend("Y", AWKWARD)], "sh");
    expect(await evaluate(script, "X", { X: "old" })).toBe(AWKWARD);
    expect(await evaluate(script, "Y", { Y: "old" })).toBe(`${AWKWARD}:old`);
  });

  it("prepends to what was set before, not to the shell's value", async () => {
    const script = formatEnvironment([{ kind: "set", name: "X", value: "/a" }, prepend("X", "/b")], "sh");
    expect(await evaluate(script, "X", { X: "/old" })).toBe("/b:/a");
  });
});

describe("formatEnvironment", () => {
  const modifications: readonly EnvModification[] = [
    prepend("PATH", "/a's/bin"),
    prepend("PATH", "/b!/bin"),
    { kind: "set", name: "HOME_OF_A", value: "/a\\b" },
    prepend("MANPATH", "/a/man"),
  ];

  it.each<[EnvironmentShell, string[]]>([
    [
      "csh",
      [
        "setenv HOME_OF_A '/a\\b'",
        "if ( ! $?MANPATH ) setenv MANPATH ''",
        `setenv MANPATH ":\${MANPATH}"`,
        `setenv MANPATH '/a/man'"\${MANPATH}"`,
        "if ( ! $?PATH ) setenv PATH ''",
        `if ( "$PATH" != '' ) setenv PATH ":\${PATH}"`,
        `setenv PATH '/b\\!/bin:/a'\\''s/bin'"\${PATH}"`,
      ],
    ],
    [
      "fish",
      [
        "set -gx HOME_OF_A '/a\\\\b'",
        `test -n "$MANPATH"; or set -gx --path MANPATH ''`,
        "set -gx --path MANPATH '/a/man' $MANPATH",
        "set -gx --path PATH '/b!/bin' '/a\\'s/bin' $PATH",
      ],
    ],
  ])("is one statement a line in %s, in the order of names", (shell, lines) => {
    expect(formatEnvironment(modifications, shell).split("\n")).toEqual([...lines, ""]);
  });

  it.each<EnvironmentShell>(["sh", "csh", "fish"])("is empty in %s where nothing changes", (shell) => {
    expect(formatEnvironment([], shell)).toBe("");
  });
});
