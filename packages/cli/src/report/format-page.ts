import { createHash } from "node:crypto";
import { formatJsonLine } from "../render/clean-text.js";
import type { PageData } from "./page/page-data.js";
import { count } from "./page/wording.js";

/** What every report's page begins with. */
export const PAGE_START = "<!doctype html>\n<!-- spkoci report -->\n";

/** Script and style sheet of the page. */
export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/**
 * The page of a report, complete in itself. Its policy allows this script and this style sheet and nothing else: nothing is loaded and
 * nothing is sent.
 */
export function formatPage(data: PageData, { script, style }: PageAssets): string {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const source = escapeHtml(data.source);
  return `${PAGE_START}<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${source} – spkoci report</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header>
<h1>${source}</h1>
<p class="lead">${leadOf(data)}</p>
</header>
<main>
<noscript><p class="card">The pictures and tables of this page are drawn by its script, which this browser doesn't run.</p></noscript>
${brokenSection(data)}
${data.packages.length === 0 ? EMPTY : SECTIONS}
</main>
<footer>Made by ${escapeHtml(data.program)}. Sizes are of compressed layers, as they are stored. Dates are in UTC.</footer>
${data.packages.length === 0 ? "" : scripts(data, script)}
</body>
</html>
`;
}

function scripts(data: PageData, script: string): string {
  return `<script type="application/json" id="data">${escapeJson(data)}</script>
<script type="module">${script}</script>`;
}

function leadOf({ packages, queries }: PageData): string {
  const amount = count(packages.length, "package");
  if (queries.length === 0) return `${amount} in this cache`;
  return `${amount} of this cache: those that match ${queries.map((query) => `<code>${escapeHtml(query)}</code>`).join(" or ")}, and what they need to run`;
}

function brokenSection({ broken }: PageData): string {
  if (broken.length === 0) return "";
  const items = broken.map(
    ({ image, message }) => `<li><code>${escapeHtml(image)}</code><br>${escapeHtml(message)}</li>`,
  );
  const title = `${count(broken.length, "image")} can't be read`;
  return `<section class="card" id="broken" aria-labelledby="broken-title">
<h2 id="broken-title">${title}</h2>
<ul>${items.join("\n")}</ul>
</section>`;
}

const EMPTY = '<p class="card">There are no packages in this cache.</p>';

const SECTIONS = `<dl id="totals"></dl>
<form id="filter" role="search">
<label class="field"><span class="field-name">Search</span><input type="search" id="search" placeholder="name, version, hash, +variant …" autocomplete="off" spellcheck="false"></label>
<label class="field narrow"><span class="field-name">Architecture</span><select id="architecture"><option value="">all</option></select></label>
</form>
<section class="card" aria-labelledby="treemap-title">
<div class="heading">
<h2 id="treemap-title">What takes the room</h2>
<div class="switches">
<fieldset id="sizes"><legend>Area</legend>
<label class="switch"><input type="radio" name="size" value="own" checked><span>own layer</span></label>
<label class="switch"><input type="radio" name="size" value="whole"><span>whole image</span></label>
</fieldset>
<fieldset id="colors"><legend>Colour</legend>
<label class="switch"><input type="radio" name="color" value="neededBy" checked><span>needed by</span></label>
<label class="switch"><input type="radio" name="color" value="architecture"><span>architecture</span></label>
<label class="switch"><input type="radio" name="color" value="created"><span>date</span></label>
</fieldset>
</div>
</div>
<div class="picture">
<canvas id="treemap" tabindex="0" role="application" aria-label="Treemap of packages by size" aria-describedby="treemap-note"></canvas>
<div id="tip" role="status" hidden></div>
</div>
<ul id="legend" aria-label="Colours of the treemap"></ul>
<p class="note" id="treemap-note">Each area is a package; those of one name lie together. The table of packages below has the same numbers.</p>
</section>
<section class="card" id="package" aria-labelledby="package-title">
<h2 id="package-title" tabindex="-1"></h2>
<dl id="facts"></dl>
<div id="neighbours"></div>
</section>
<div class="pair">
<section class="card" aria-labelledby="growth-title">
<h2 id="growth-title">Growth over time</h2>
<p class="note" id="growth-note"></p>
<div id="growth-chart"></div>
<details id="growth-table"><summary>As a table</summary>
<table><thead><tr><th scope="col">Time</th><th scope="col">Packages</th><th scope="col">Stored</th></tr></thead><tbody id="growth-rows"></tbody></table>
</details>
</section>
<section class="card" aria-labelledby="architectures-title">
<h2 id="architectures-title">By architecture</h2>
<p class="note">Own layers of the packages. Choose one to see it alone.</p>
<ul id="architecture-list"></ul>
</section>
</div>
<section class="card" aria-labelledby="layers-title">
<h2 id="layers-title">Shared layers</h2>
<p class="note" id="layers-note"></p>
<div class="scroll"><table id="layers-table">
<thead><tr><th scope="col">Layer of</th><th scope="col" class="number middle">Size</th><th scope="col" class="number">Images</th><th scope="col" class="number">Saved</th></tr></thead>
<tbody id="layer-rows"></tbody>
</table></div>
</section>
<section class="card" aria-labelledby="packages-title">
<h2 id="packages-title">Packages</h2>
<div class="scroll"><table>
<thead><tr id="columns"></tr></thead>
<tbody id="rows"></tbody>
</table></div>
<div id="pager"></div>
</section>`;

function hashOf(content: string): string {
  return `sha256-${createHash("sha256").update(content).digest("base64")}`;
}

/** JSON that no HTML parser finds an end tag or a comment in; it parses to the same value. */
function escapeJson(value: unknown): string {
  return formatJsonLine(value).replaceAll("<", "\\u003c");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
