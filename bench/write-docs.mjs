import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../scripts/workspace.mjs";

const PAGE = join(root, "docs/performance.md");

/**
 * Puts the tables of each NAME.md in the folder between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` of docs/performance.md, the
 * heading as a line of bold text. Names that have no place there are said and left out.
 */
export async function writeDocs(folder) {
  let page = await readFile(PAGE, "utf8");
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".md"))) {
    const name = file.slice(0, -".md".length);
    const put = putBetween(page, name, await readFile(join(folder, file), "utf8"));
    console.error(put === undefined ? `${name}: docs/performance.md has no place for it` : `${name}: written`);
    page = put ?? page;
  }
  await writeFile(PAGE, page);
}

function putBetween(page, name, markdown) {
  const [start, end] = [`<!-- bench:${name} -->\n`, `<!-- /bench:${name} -->`];
  const from = page.indexOf(start);
  const to = page.indexOf(end);
  if (from < 0 || to < from) return undefined;
  const [heading, ...rest] = markdown.split("\n");
  const body = [`\`pnpm bench ${heading.replace(/^# ([\w-]+), (.*)$/, "$1`, $2:")}`, ...rest].join("\n");
  return `${page.slice(0, from + start.length)}${body.trimEnd()}\n${page.slice(to)}`;
}
