import { describe, expect, it } from "vitest";
import { LINUX_SHEBANG, planShebang } from "./shebang.js";

const SBANG = "/short/bin/sbang";
const DEEP = `/${"d".repeat(140)}`;

function firstLines(script: string, sbang = SBANG): string {
  const plan = planShebang(Buffer.from(script), sbang, LINUX_SHEBANG);
  return plan.kind === "replace" ? plan.bytes.toString() + script.slice(plan.length) : plan.kind;
}

describe("planShebang", () => {
  it.each([
    ["no script", "echo #!/bin/sh\n"],
    ["a short line", "#!/usr/bin/python3\n"],
    ["a line of 127 bytes", `#!/${"x".repeat(123)}\n`],
    ["a line without an interpreter", `#!${" ".repeat(200)}\n`],
    ["a line without an end", `#!/${"x".repeat(5000)}`],
    ["an empty file", ""],
  ])("keeps %s", (_, script) => expect(firstLines(script)).toBe("keep"));

  it("puts a line of 128 bytes behind one that runs sbang", () => {
    const line = `#!/${"x".repeat(124)}\n`;
    expect(firstLines(`${line}body\n`)).toBe(`#!/bin/sh ${SBANG}\n${line}body\n`);
  });

  it.each([
    ["python3", `#!${DEEP}/python3 -E`],
    ["perl", `#!${DEEP}/perl -E`],
    ["lua", `--!${DEEP}/lua -E`],
    ["luajit", `--!${DEEP}/luajit -E`],
    ["node", `//!${DEEP}/node -E`],
    ["php", `<?php #!${DEEP}/php -E ?>`],
  ])("writes the line of %s so that it skips it", (name, second) => {
    expect(firstLines(`#!${DEEP}/${name} -E\nbody`)).toBe(`#!/bin/sh ${SBANG}\n${second}\nbody`);
  });

  it("ends the line of a script that has nothing else", () => {
    expect(firstLines(`#!${DEEP}/sh`)).toBe(`#!/bin/sh ${SBANG}\n#!${DEEP}/sh\n`);
  });

  const deepSbang = `/${"s".repeat(200)}/bin/sbang`;

  it("keeps a line that today's kernels read where sbang's own would be no better", () => {
    expect(firstLines(`#!${DEEP}/python3\n`, deepSbang)).toBe("keep");
  });

  it("uses such an sbang for a line that no kernel reads", () => {
    const line = `#!${DEEP}${DEEP}/python3\n`;
    expect(firstLines(line, deepSbang)).toBe(`#!/bin/sh ${deepSbang}\n${line}`);
  });

  it("says what there is room for where sbang's own line is too long", () => {
    const sbang = `/${"s".repeat(260)}/bin/sbang`;
    const plan = planShebang(Buffer.from(`#!${DEEP}${DEEP}/python3\n`), sbang, LINUX_SHEBANG);
    expect(plan).toEqual({ kind: "too-long", line: `#!${DEEP}${DEEP}/python3`, room: 255 - "#!/bin/sh \n".length });
  });

  it("says so too of an sbang line that became too long", () => {
    const sbang = `/${"s".repeat(260)}/bin/sbang`;
    expect(firstLines(`#!/bin/sh ${sbang}\n#!/x\n`, sbang)).toBe("too-long");
  });
});
