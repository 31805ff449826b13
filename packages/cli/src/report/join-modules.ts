import { readFile } from "node:fs/promises";

const IMPORT = /^import \{([^}]*)\} from "(\.[^"]+)";$/gm;
const EXPORT = /^export (?=(?:async )?(?:function|class|const|let) (\w+))/gm;

/**
 * One script of a compiled module and all that it imports, each a function of its own that hands its exports to the others. The modules
 * import by name, from relative paths, and export declarations, at the beginning of a line as the compiler writes them.
 */
export async function joinModules(entry: URL): Promise<string> {
  const parts = new Map<string, string>();
  await addModule(entry, parts);
  return ["const modules = {};\n", ...parts.values()].join("");
}

/** Adds a module behind those that it imports. */
async function addModule(url: URL, parts: Map<string, string>): Promise<void> {
  if (parts.has(url.href)) return;
  const text = await readFile(url, "utf8");
  for (const [, , path = ""] of text.matchAll(IMPORT)) await addModule(new URL(path, url), parts);
  const names = [...text.matchAll(EXPORT)].map(([, name]) => name);
  const body = text
    .replace(IMPORT, (_, imported: string, path: string) => {
      return `const {${imported.replaceAll(" as ", ": ")}} = modules[${JSON.stringify(nameOf(new URL(path, url)))}];`;
    })
    .replace(EXPORT, "")
    .replace(/^\/\/# sourceMappingURL=.*$/gm, "");
  parts.set(
    url.href,
    `modules[${JSON.stringify(nameOf(url))}] = (() => {\n${body}return { ${names.join(", ")} };\n})();\n`,
  );
}

/** The file's name: where it lies is no business of the page's readers. */
function nameOf(url: URL): string {
  return url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
}
