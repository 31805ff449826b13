import { readFile } from "node:fs/promises";
import { packageFile } from "../package-file.js";
import type { PageAssets } from "./format-page.js";
import { joinModules } from "./join-modules.js";

/** The page's script and style sheet, from the program's own files. */
export async function readAssets(): Promise<PageAssets> {
  return {
    script: await joinModules(packageFile("dist/report/page/main.js")),
    style: await readFile(packageFile("assets/report.css"), "utf8"),
  };
}
