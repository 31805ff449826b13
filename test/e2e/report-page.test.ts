import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type Browser,
  type BrowserPage,
  createTemporaryFolder,
  requireTool,
  startBrowser,
  type TemporaryFolder,
} from "@spkoci/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { formatPage } from "../../packages/cli/src/report/format-page.js";
import type { PageData, PagePackage } from "../../packages/cli/src/report/page/page-data.js";
import { readAssets } from "../../packages/cli/src/report/read-assets.js";

const HOSTILE = "</script><img src=x onerror=alert(1)><!--\u2028'\"`&amp;$" + "{1}";
const DAY = 86_400_000;

/** Packages that nobody built: each needs three of those before it, and has their layers. */
function dataOf(amount: number, nameOf: (at: number) => string): PageData {
  const packages: PagePackage[] = [];
  for (let at = 0; at < amount; at += 1) {
    const runs = [...new Set([at >> 1, at >> 2, at >> 3])].filter((one) => one < at);
    const below = new Set(runs.flatMap((one) => packages[one]?.layers ?? []));
    const name = nameOf(at);
    packages.push({
      name,
      version: `1.${at % 7}`,
      hash: at.toString(36).padStart(32, "a"),
      spec: `${name}@=1.${at % 7}+shared build_system=cmake`,
      image: `oci:cache:${name}`,
      digest: `sha256:${at}`,
      architecture: at % 3,
      layers: [...below, at],
      documents: 5000,
      created: at % 10 === 0 ? null : Date.UTC(2024, 0) + at * DAY,
      runs,
      builds: [],
      lacks: [],
    });
  }
  const layers = packages.map((_, at) => ({
    digest: `sha256:${at}`,
    size: 1000 + ((at * 7919) % 999_983),
    package: at,
  }));
  const architectures = ["linux-debian12-zen4", "linux-debian12-x86_64_v3", HOSTILE];
  return { source: "oci:cache", program: "spkoci", queries: [], architectures, packages, layers, broken: [] };
}

describe.skipIf(!requireTool("chromium"))("the page of a report", () => {
  let folder: TemporaryFolder;
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
  });

  afterAll(() => browser.close());

  beforeEach(async () => {
    folder = await createTemporaryFolder();
  });

  afterEach(() => folder.remove());

  async function openPage(data: PageData): Promise<BrowserPage> {
    const file = join(folder.path, "r.html");
    await writeFile(file, formatPage(data, await readAssets()));
    return browser.open(pathToFileURL(file).href, { width: 1280, height: 900 });
  }

  it("shows 10,000 packages with as few elements as some, and searches and leafs through them", async () => {
    const page = await openPage(dataOf(10_000, (at) => `package-${at % 3000}`));
    expect(await page.evaluate("document.querySelectorAll('*').length")).toBeLessThan(1500);
    expect(await page.evaluate("document.querySelectorAll('#rows tr').length")).toBe(50);
    expect(await page.evaluate("document.querySelector('#pager').innerText")).toMatch(/^1–50 of 10,000 packages/);
    await page.click("#pager button:last-child");
    expect(await page.evaluate("document.querySelector('#pager').innerText")).toMatch(/^51–100 of 10,000/);
    await page.click("#search");
    await page.type("package-77@");
    await page.until("document.querySelectorAll('#rows tr').length === 4");
    await page.click("#treemap", 0.5, 0.5);
    await page.until("document.querySelector('#package-title').innerText.startsWith('package-77@')");
    expect(page.errors).toEqual([]);
  });

  it("shows many neighbours when one asks for them", async () => {
    const data = dataOf(40, (at) => `p${at}`);
    const packages = data.packages.map((one, at) => ({ ...one, runs: at === 0 ? [] : [0] }));
    const page = await openPage({ ...data, packages });
    await page.evaluate(`location.hash = "/${packages[0]?.hash}"`);
    await page.until("document.querySelector('#package-title').innerText.startsWith('p0@')");
    const amount = "document.querySelectorAll('#needed-by .neighbour').length";
    expect(await page.evaluate(amount)).toBe(9);
    await page.click("#needed-by .more");
    expect(await page.evaluate(amount)).toBe(39);
    expect(await page.evaluate("document.querySelectorAll('#links path').length")).toBe(39);
    expect(await page.evaluate("document.querySelectorAll('#needed-by .more').length")).toBe(0);
    expect(await page.evaluate("document.activeElement.closest('#needed-by') !== null")).toBe(true);
  });

  it("shows names as they are, whatever they contain", async () => {
    const data = dataOf(5, (at) => `${HOSTILE}${at}`);
    const page = await openPage({
      ...data,
      source: HOSTILE,
      queries: [HOSTILE],
      packages: data.packages.map((one) => ({ ...one, lacks: [HOSTILE] })),
      broken: [{ image: HOSTILE, message: HOSTILE }],
    });
    await page.click("#rows button");
    // The page scrolls to what was chosen, after it has another address.
    await page.until("document.querySelector('#package-title strong') !== null");
    await page.point("#treemap", 0.2, 0.5);
    await page.until("document.querySelector('#tip strong') !== null");
    const texts = [
      "h1",
      "#broken code",
      "#package-title strong",
      "#tip strong",
      "#needs .absent .label",
      "#rows strong",
    ];
    for (const selector of texts) {
      const text = await page.evaluate<string>(`document.querySelector(${JSON.stringify(selector)}).textContent`);
      expect(text, selector).toContain(HOSTILE);
    }
    expect(await page.evaluate("document.querySelectorAll('img').length")).toBe(0);
    expect(page.errors).toEqual([]);
    expect(page.requests).toHaveLength(1);
  });

  it("chooses an architecture by its bar, and all by a second click", async () => {
    const page = await openPage(dataOf(30, (at) => `p${at}`));
    await page.click("#architecture-list li:nth-child(2) button");
    await page.until("document.querySelectorAll('#rows tr').length === 10");
    expect(await page.evaluate("document.querySelector('#architecture').value")).toBe("1");
    expect(await page.evaluate("document.activeElement.getAttribute('aria-pressed')")).toBe("true");
    await page.click("#architecture-list li:nth-child(2) button");
    await page.until("document.querySelectorAll('#rows tr').length === 30");
  });
});
