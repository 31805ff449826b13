import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type Browser,
  type BrowserPage,
  type BrowserWindow,
  CacheEditor,
  createTemporaryFolder,
  fixturePath,
  requireTool,
  startBrowser,
  type TemporaryFolder,
  unpackFixtureStore,
} from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { runSpkoci, type SpkociRun } from "./support/run-spkoci.js";

const CACHE = `oci:${fixturePath("small/cache")}`;
const DESKTOP: BrowserWindow = { width: 1280, height: 900 };

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await createTemporaryFolder();
});

afterEach(() => folder.remove());

function spkoci(...words: string[]): Promise<SpkociRun> {
  return runSpkoci(words, { cwd: folder.path });
}

const read = (name: string): Promise<string> => readFile(join(folder.path, name), "utf8");

describe("report", () => {
  it("writes a page beside what is there, replaces an older one, and says what the cache amounts to", async () => {
    const first = await spkoci("report", CACHE);
    expect(first).toMatchObject({ exitCode: 0, stderr: expect.not.stringMatching(/warning|error/) });
    const file = join(folder.path, "spkoci-report.html");
    expect(first.stdout).toBe(`${file}: 5 packages, 131 KiB stored, 299 KiB saved by sharing layers\n`);
    const page = await read("spkoci-report.html");
    const second = await spkoci("report", CACHE, "--json", "greeter");
    expect(JSON.parse(second.stdout)).toMatchObject({
      file,
      source: CACHE,
      indexed: true,
      totals: { packages: 3, broken: 0, layers: 3 },
      broken: [],
    });
    expect(await read("spkoci-report.html")).not.toBe(page);
    await spkoci("report", CACHE, "-o", "again.html");
    expect(await read("again.html")).toBe(page);
  });

  it("prints the page with -o -, and nothing else", async () => {
    const { stdout, exitCode } = await spkoci("report", CACHE, "-q", "-o", "-");
    expect(stdout).toMatch(/^<!doctype html>\n.*<\/html>\n$/s);
    expect(exitCode).toBe(0);
    const both = await spkoci("report", CACHE, "--json", "-o", "-");
    expect(JSON.parse(both.stdout)).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
    expect(both.exitCode).toBe(2);
  });

  it("leaves alone what is no report, before it reads anything", async () => {
    await writeFile(join(folder.path, "notes.html"), "mine");
    const file = await spkoci("report", "oci:nowhere", "-o", "notes.html");
    expect(file.stderr).toMatch(/notes\.html is there, and is no report of spkoci\nhint: /);
    expect(file.exitCode).toBe(2);
    const dir = await spkoci("report", "oci:nowhere", "-o", ".");
    expect(dir.stderr).toMatch(/is a folder\nhint: /);
    expect(dir.exitCode).toBe(2);
    expect(await read("notes.html")).toBe("mine");
  });

  it("says what nothing matches, and writes nothing", async () => {
    const { stderr, exitCode } = await spkoci("report", CACHE, "-o", "r.html", "greter");
    expect(stderr).toMatch(/no package in \S+ matches greter\nhint: Did you mean greeter/);
    expect(exitCode).toBe(4);
    await expect(read("r.html")).rejects.toThrow("ENOENT");
  });

  it("warns of an image that can't be read, and names it in page and result", async () => {
    const cache = await CacheEditor.create(join(folder.path, "cache"));
    const tag = await cache.tagOf("greet-plugin");
    await cache.removeBlob((await cache.readManifest(tag)).config.digest);
    const { stdout, stderr, exitCode } = await spkoci("report", "oci:cache", "--json", "-o", "r.html");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).broken).toEqual([
      { image: `oci:cache:${tag}`, code: "BLOB_NOT_FOUND", message: expect.any(String) },
    ]);
    expect(stderr).toMatch(/"type":"warning"/);
    const page = await read("r.html");
    expect(page).toContain("1 image can't be read");
    expect(page).toContain(`<code>oci:cache:${tag}</code>`);
  });
});

describe.skipIf(!requireTool("chromium"))("the page in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(() => browser.close());

  async function openReport(window: BrowserWindow = DESKTOP, ...words: string[]): Promise<BrowserPage> {
    const { exitCode, stderr } = await spkoci("report", ...(words.length > 0 ? words : [CACHE]), "-o", "r.html");
    expect(exitCode, stderr).toBe(0);
    return browser.open(pathToFileURL(join(folder.path, "r.html")).href, window);
  }

  const textOf = (page: BrowserPage, selector: string): Promise<string> =>
    page.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`);

  const rowsOf = (page: BrowserPage): Promise<string[]> =>
    page.evaluate("[...document.querySelectorAll('#rows td:first-child strong')].map((name) => name.innerText)");

  const title = (page: BrowserPage): Promise<string> => textOf(page, "#package-title strong");

  it("loads nothing, breaks no rule of its policy, and throws nothing", async () => {
    const page = await openReport();
    expect(await page.evaluate("document.title")).toBe(`${CACHE} – spkoci report`);
    await page.click("#treemap", 0.95, 0.95);
    await page.click("#sizes .switch:last-child");
    await page.click("#colors .switch:nth-child(3)");
    await page.click("#colors .switch:last-child");
    await page.until("document.querySelector('#legend').innerText.includes('2026-11-21')");
    expect(page.errors).toEqual([]);
    expect(page.requests).toEqual([pathToFileURL(join(folder.path, "r.html")).href]);
  });

  it("allows nothing to be loaded, sent or run that isn't part of it", async () => {
    const page = await openReport();
    const attempts = `Promise.allSettled([
      fetch("http://127.0.0.1:9/"),
      new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
        setTimeout(resolve);
      }),
    ]).then(([sent]) => [sent.status, window.ran === undefined])`;
    expect(await page.evaluate(attempts)).toEqual(["rejected", true]);
    expect(page.errors.join("\n")).toMatch(/Content Security Policy/);
  });

  it("draws the treemap: the largest package fills what is its share", async () => {
    const page = await openReport();
    const colors = await page.evaluate<number>(`(() => {
      const canvas = document.querySelector("#treemap");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const counts = new Map();
      for (let at = 0; at < data.length; at += 4) {
        const color = data.slice(at, at + 3).join();
        counts.set(color, (counts.get(color) ?? 0) + 1);
      }
      return Math.max(...counts.values()) / (data.length / 4);
    })()`);
    const share = 69_832 / (69_832 + 6599 + 6908 + 10_271 + 8300);
    expect(Math.abs(colors - share)).toBeLessThan(0.03);
  });

  it("shows what is pointed at, and the package that is clicked with what it needs and what needs it", async () => {
    const page = await openReport();
    expect(await title(page)).toBe("gcc-runtime");
    await page.point("#treemap", 0.72, 0.2);
    expect(await textOf(page, "#tip")).toBe("greeter@2.1\n10.0 KiB, image 93.5 KiB, needed by 1");
    await page.click("#treemap", 0.72, 0.2);
    await page.until("document.querySelector('#package-title strong').innerText === 'greeter'");
    expect(await textOf(page, "#facts")).toMatch(/Needed by\s+1 directly, 1 in all/);
    expect(await textOf(page, "#needed-by")).toMatch(/greet-plugin/);
    expect(await textOf(page, "#needs")).toMatch(/gcc-runtime@12\.2\.0.*libgreet@1\.0.*not in this report/s);
    expect(await page.evaluate("document.querySelectorAll('#links path').length")).toBe(7);
    await page.click("#needed-by button");
    await page.until("document.querySelector('#package-title').innerText.startsWith('greet-plugin')");
    expect(await page.evaluate("document.activeElement.id")).toBe("package-title");
    await page.evaluate("history.back()");
    await page.until("document.querySelector('#package-title').innerText.startsWith('greeter')");
  });

  it("searches while one types, in totals, table and treemap", async () => {
    const page = await openReport();
    await page.click("#search");
    await page.type("GREET 2.1");
    await page.until("document.querySelectorAll('#rows tr').length === 1");
    expect(await rowsOf(page)).toEqual(["greeter"]);
    expect(await textOf(page, "#totals")).toMatch(/^Packages\s+1 of 5/);
    expect(await page.evaluate("document.querySelector('#treemap').getAttribute('aria-label')")).toMatch(
      /of 1 package/,
    );
    await page.type("nothing");
    await page.until("document.querySelectorAll('#rows tr').length === 0");
    expect(await textOf(page, "#pager")).toBe("No package matches.");
  });

  it("sorts the table by its columns", async () => {
    const page = await openReport();
    const bySize = ["gcc-runtime", "greeter", "libgreet", "greet-plugin", "greet-build-tool"];
    expect(await rowsOf(page)).toEqual(bySize);
    await page.click("[data-key=own]");
    expect(await rowsOf(page)).toEqual(bySize.toReversed());
    await page.click("[data-key=name]");
    expect(await rowsOf(page)).toEqual(bySize.toSorted());
    expect(await page.evaluate("document.querySelector('th[aria-sort]').innerText")).toMatch(/^Package/);
  });

  it("can be used with the keyboard alone", async () => {
    const page = await openReport();
    await page.press("Tab");
    await page.type("greet");
    await page.until("document.querySelectorAll('#rows tr').length === 4");
    for (const id of ["architecture", "", "", "treemap"]) {
      await page.press("Tab");
      if (id !== "") expect(await page.evaluate("document.activeElement.id")).toBe(id);
    }
    await page.press("ArrowRight");
    await page.press("ArrowRight");
    expect(await textOf(page, "#tip strong")).toBe("libgreet@1.0");
    await page.press("Enter");
    await page.until("document.querySelector('#package-title').innerText.startsWith('libgreet')");
    await page.press("Tab");
    await page.press("Enter");
    await page.until("!document.querySelector('#package-title').innerText.startsWith('libgreet')");
  });

  it.each([
    ["wide and light", DESKTOP],
    ["wide and dark", { ...DESKTOP, dark: true }],
    ["narrow", { width: 400, height: 800 }],
  ])("fits the window, %s, and its text stands out from what is behind it", async (_what, window) => {
    const page = await openReport(window);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(window.width);
    const contrasts = await page.evaluate<number[]>(CONTRASTS);
    expect(contrasts.length).toBeGreaterThan(30);
    expect(Math.min(...contrasts)).toBeGreaterThan(4.5);
  });

  it("names every control, and each heading of its tables", async () => {
    const page = await openReport();
    const nameless = `[...document.querySelectorAll("button, input, select, canvas")].filter((one) => {
      const label = one.getAttribute("aria-label") ?? one.labels?.[0]?.innerText ?? one.innerText;
      return label.trim() === "";
    }).length`;
    expect(await page.evaluate(nameless)).toBe(0);
    expect(await page.evaluate("document.querySelectorAll('th:not([scope=col])').length")).toBe(0);
    expect(await page.evaluate("document.documentElement.lang")).toBe("en");
  });

  it("draws how a cache grew from the dates of its images, where they have some", async () => {
    const { path, store, remove } = await unpackFixtureStore();
    try {
      for (const [day, spec] of [
        ["2026-01-01", "gcc-runtime"],
        ["2026-03-01", "libgreet"],
        ["", "greeter"],
      ] as const) {
        const env = day === "" ? {} : { SOURCE_DATE_EPOCH: String(Date.parse(day) / 1000) };
        const words = ["push", "oci:cache", spec, "--only", "package", "--store", store, "--sysroot", path];
        const { exitCode, stderr } = await runSpkoci(words, { cwd: folder.path, env });
        expect(exitCode, stderr).toBe(0);
      }
    } finally {
      await remove();
    }
    const page = await openReport(DESKTOP, "oci:cache");
    expect(await textOf(page, "#growth-note")).toMatch(
      /^2026-01-01 to 2026-03-01: 2 packages, [\d.]+ KiB\. 1 package has no date\.$/,
    );
    await page.until("document.querySelector('#growth-chart path.line') !== null");
    await page.click("summary");
    expect(await textOf(page, "#growth-rows")).toMatch(/^2026-01-01 00:00\s+1\s.*\n2026-03-01 00:00\s+2\s/);
  });

  it("says that a cache is empty", async () => {
    const cache = await CacheEditor.create(join(folder.path, "cache"));
    await cache.changeIndex((installs) => {
      for (const hash of Object.keys(installs)) delete installs[hash];
    });
    const page = await openReport(DESKTOP, "oci:cache");
    expect(await textOf(page, "main")).toBe("There are no packages in this cache.");
    expect(page.errors).toEqual([]);
  });
});

/** Contrast ratios (WCAG 2.2, 1.4.3) of the elements that have text of their own. */
const CONTRASTS = `(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parse(color).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if (parse(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
  return [...document.querySelectorAll("body *")]
    .filter((one) => hasText(one) && one.checkVisibility() && !one.closest("option, svg, script, style, button:disabled"))
    .map((one) => {
      const a = light(getComputedStyle(one).color);
      const b = light(behind(one));
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    });
})()`;
