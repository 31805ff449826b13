import { readFile } from "node:fs/promises";
import type { PageAssets } from "./format-page.js";
import { joinModules } from "./join-modules.js";

/** The page's script and style sheet, from the program's own files. */
export async function readAssets(): Promise<PageAssets> {
  return {
    script: await joinModules(new URL("../../dist/report/page/main.js", import.meta.url)),
    style: await readFile(new URL("../../assets/report.css", import.meta.url), "utf8"),
  };
}
