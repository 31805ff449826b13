import { execFile } from "node:child_process";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { requireTool, withTemporaryFolder } from "@spkoci/testkit";
import { describe, expect, it } from "vitest";
import { SBANG_SCRIPT, sbangPathIn } from "./sbang.js";

const run = promisify(execFile);

/** Runs a script whose `lines` come behind the sbang line; `DEEP` stands for a folder with a long path that has the interpreter. */
async function runScript(lines: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<string> {
  return withTemporaryFolder(async (folder) => {
    const sbang = sbangPathIn(folder);
    const deep = join(folder, "d".repeat(200));
    await mkdir(join(folder, "bin"));
    await mkdir(deep);
    await writeFile(sbang, SBANG_SCRIPT, { mode: 0o755 });
    const name = /DEEP\/(\w+)/.exec(lines)?.[1];
    if (name !== undefined) {
      const { stdout } = await run("/bin/sh", ["-c", `command -v ${name}`]);
      await symlink(name === "node" ? process.execPath : stdout.trim(), join(deep, name));
    }
    const script = join(folder, "a script");
    await writeFile(script, `#!/bin/sh ${sbang}\n${lines.replaceAll("DEEP", deep)}`);
    await chmod(script, 0o755);
    const { stdout } = await run(script, [...args], { env: { PATH: process.env.PATH, ...env } });
    return stdout;
  });
}

describe("the sbang script", () => {
  it("runs a script whose line is longer than the kernel reads, with its arguments", async () => {
    const output = await runScript('#!DEEP/sh\nprintf "%s|" "$@"\n', ["one", "two three", "*", ""]);
    expect(output).toBe("one|two three|*||");
  });

  it("passes the words of the line as arguments", async () => {
    expect(await runScript('#! DEEP/sh -u -e\necho "$-"\n')).toMatch(/e.*u|u.*e/);
  });

  it("doesn't expand the words", async () => {
    expect(await runScript("#!/bin/echo * $HOME\n")).toMatch(/^\* \$HOME .*a script\n$/);
  });

  it("runs what env finds", async () => {
    expect(await runScript("#!/usr/bin/env sh\necho found\n")).toBe("found\n");
  });

  it("leaves the environment as it is", async () => {
    const env = { command: "a", script: "b", name: "c", word: "d", interpreter: "e", IFS: "x" };
    const output = await runScript(
      '#!DEEP/sh\necho "$command$script$name$word$interpreter"; env | grep -c sbang\ntrue\n',
      [],
      env,
    );
    expect(output).toBe("abcde\n0\n");
  });

  it("runs Node.js scripts", async () => {
    expect(await runScript("//!DEEP/node\nconsole.log('js', process.argv[2]);\n", ["x"])).toBe("js x\n");
  });

  it.skipIf(!requireTool("perl"))("runs Perl scripts, which would run the first line's program", async () => {
    expect(await runScript("#!DEEP/perl -w\nprint 'pl ', $ARGV[0];\n", ["x"])).toBe("pl x");
    expect(await runScript("#!/usr/bin/env perl\nprint 'pl ', $ARGV[0];\n", ["x"])).toBe("pl x");
  });

  it.skipIf(!requireTool("python3"))("runs Python scripts", async () => {
    expect(await runScript("#!DEEP/python3\nimport sys; print('py', sys.argv[1])\n", ["x"])).toBe("py x\n");
  });

  it("runs programs for which line 2 is a comment of Lua or PHP", async () => {
    expect(await runScript("--!/bin/echo -n lua\n")).toMatch(/^lua .*a script$/);
    expect(await runScript("<?php #!/bin/echo -n php ?>\n")).toMatch(/^php .*a script$/);
  });

  it.each([
    ["a script without an interpreter", "no line\n"],
    ["a script that names sbang alone", "#!/bin/sh /other/bin/sbang\n"],
    ["an empty line", "#!\n"],
  ])("fails for %s", async (_, lines) => {
    await expect(runScript(lines)).rejects.toMatchObject({ code: 126, stderr: expect.stringContaining("sbang: ") });
  });

  it("fails for a script that isn't there, and for none", async () => {
    await withTemporaryFolder(async (folder) => {
      const sbang = join(folder, "sbang");
      await writeFile(sbang, SBANG_SCRIPT);
      await expect(run("/bin/sh", [sbang, "/no/such"])).rejects.toMatchObject({ code: 126 });
      await expect(run("/bin/sh", [sbang])).rejects.toMatchObject({ code: 126 });
    });
  });
});
