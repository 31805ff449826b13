import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A rule of docs/conformance.md. */
interface Rule {
  readonly number: number;
  /** Tests, as file and title, or why there are none. */
  readonly cells: readonly string[];
}

const readText = (path: string): Promise<string> => readFile(ROOT + path, "utf8");

/** The rows of its tables: number, what is asked, tests. */
function parseRules(document: string): Rule[] {
  return [...document.matchAll(/^\| (\d+) \| [^|]+ \| ([^|]*) \|$/gm)].map(([, number, cells = ""]) => ({
    number: Number(number),
    cells: cells.split("<br>").filter((cell) => cell.trim() !== ""),
  }));
}

/** What is wrong with a rule; `textOf` gives a file's text, undefined if there is no such file. */
function problemsOf({ number, cells }: Rule, textOf: (file: string) => string | undefined): string[] {
  if (cells.length === 0) return [`${number} has neither a test nor a reason`];
  return cells.flatMap((cell) => {
    if (/^Does not apply: \S.{20,}\.$/.test(cell)) return [];
    const [, file = "", title] = /^`([^`]+)`: (.+)$/.exec(cell) ?? [];
    if (title === undefined) return [`${number}: neither a test nor a reason: ${cell}`];
    const text = textOf(file);
    if (text === undefined) return [`${number}: there is no file ${file}`];
    const isThere = titlesIn(text).some((known) => known.title === title && known.numbers.includes(number));
    return isThere ? [] : [`${number}: ${file} has no test "checklist ${number}: ${title}"`];
  });
}

/** The titles of tests and groups that name numbers, as they stand in the source. */
function titlesIn(text: string): { readonly numbers: readonly number[]; readonly title: string }[] {
  const found = text.matchAll(/(["`])checklist (\d+(?:, \d+)*): ((?:(?!\1).)+)\1/g);
  return [...found].map(([, , numbers = "", title = ""]) => ({ numbers: numbers.split(", ").map(Number), title }));
}

async function readTests(): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const folder of ["packages/core/src", "packages/cli/src", "packages/testkit/src", "test"]) {
    const files = await readdir(ROOT + folder, { recursive: true });
    for (const file of files.filter((name) => name.endsWith(".ts"))) {
      const path = `${folder}/${file}`;
      texts.set(path, await readText(path));
    }
  }
  return texts;
}

describe("docs/conformance.md", () => {
  it("counts its rules from 1 on, each once", async () => {
    const numbers = parseRules(await readText("docs/conformance.md")).map(({ number }) => number);
    expect(numbers.length).toBeGreaterThanOrEqual(70);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
  });

  it("has for each rule a test that names its number, or a reason why it doesn't apply", async () => {
    const tests = await readTests();
    const rules = parseRules(await readText("docs/conformance.md"));
    expect(rules.flatMap((rule) => problemsOf(rule, (file) => tests.get(file)))).toEqual([]);
  });

  it("has every number that a test names", async () => {
    const known = new Set(parseRules(await readText("docs/conformance.md")).map(({ number }) => number));
    const named = [...(await readTests()).values()].flatMap(titlesIn).flatMap(({ numbers }) => numbers);
    expect(named.filter((number) => !known.has(number))).toEqual([]);
  });
});

describe("what is wrong with a rule", () => {
  const text = 'it("checklist 7, 13: renews tokens", () => {});';
  const problems = (row: string): string[] =>
    parseRules(`| 7 | something | ${row} |`).flatMap((rule) =>
      problemsOf(rule, (file) => (file === "a.test.ts" ? text : undefined)),
    );

  it.each([
    ["", ["7 has neither a test nor a reason"]],
    ["`a.test.ts`: renews tokens", []],
    ["`a.test.ts`: renews token", ['7: a.test.ts has no test "checklist 7: renews token"']],
    ["`b.test.ts`: renews tokens", ["7: there is no file b.test.ts"]],
    ["Does not apply: registries of that kind are never asked.", []],
    ["Does not apply: no.", ["7: neither a test nor a reason: Does not apply: no."]],
  ])("is seen in %j", (row, expected) => {
    expect(problems(row)).toEqual(expected);
  });

  it("is seen where a test names another number", () => {
    const [rule] = parseRules("| 8 | something | `a.test.ts`: renews tokens |");
    expect(rule && problemsOf(rule, () => text)).toEqual(['8: a.test.ts has no test "checklist 8: renews tokens"']);
  });
});
