import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joinModules } from "./join-modules.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "spkoci-join-"));
});

afterEach(() => rm(folder, { recursive: true }));

async function joined(modules: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(modules)) await writeFile(join(folder, name), text);
  return joinModules(pathToFileURL(join(folder, "main.js")));
}

describe("joinModules", () => {
  it("makes one script, in which each module has names of its own", async () => {
    const script = await joined({
      "main.js":
        'import { two } from "./two.js";\nimport { ONE as FIRST, One, } from "./one.js";\nconst local = 1;\nout.push(two(), FIRST, new One().value, local);\n//# sourceMappingURL=main.js.map',
      "two.js":
        'import { ONE } from "./one.js";\nconst local = 2;\nexport function two() {\n  return ONE + local;\n}\n',
      "one.js": "export const ONE = 100;\nexport class One {\n  value = 5;\n}\nconst local = 3;\n",
    });
    const out: number[] = [];
    runInNewContext(script, { out });
    expect(out).toEqual([102, 100, 5, 1]);
    expect(script).not.toContain("sourceMappingURL");
    expect(script).not.toContain(folder);
  });

  it("says which file is missing", async () => {
    await expect(joined({ "main.js": 'import { a } from "./a.js";\n' })).rejects.toThrow("a.js");
  });
});
