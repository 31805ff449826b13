import { formatSize } from "../../render/format-size.js";
import { showArchitectures } from "./architectures-view.js";
import type { ColorKey } from "./coloring.js";
import { byId, element } from "./dom.js";
import { GrowthView } from "./growth-view.js";
import { showSharedLayers } from "./layers-view.js";
import { createModel, type Filter, filterPackages, type Package, summarize } from "./model.js";
import { PackageView } from "./package-view.js";
import type { PageData } from "./page-data.js";
import { TableView } from "./table-view.js";
import { type SizeKey, TreemapView } from "./treemap-view.js";
import { formatNumber, formatShare } from "./wording.js";

const model = createModel(JSON.parse(byId("data").textContent) as PageData);
const search = byId("search") as HTMLInputElement;
const architectures = byId("architecture") as HTMLSelectElement;

const treemap = new TreemapView(model, choose);
const table = new TableView(model, choose);
const details = new PackageView(model, choose);
const growth = new GrowthView(model);

let filter: Filter = { words: "", architecture: undefined };
let isDue = false;

/** Makes a package the one that the page's address names. */
function choose(one: Package): void {
  const address = `#/${one.hash}`;
  if (location.hash === address) reveal();
  else location.hash = address;
}

/** Leads eyes and keys to the package that was chosen. */
function reveal(): void {
  byId("package").scrollIntoView({ block: "nearest" });
  byId("package-title").focus({ preventScroll: true });
}

/** Shows the package that the address names, or else the largest. */
function showChosen(): void {
  const hash = location.hash.slice("#/".length);
  const largest = model.packages.reduce<Package | undefined>(
    (a, b) => (a === undefined || b.own > a.own ? b : a),
    undefined,
  );
  const one = model.packages.find((each) => each.hash === hash) ?? largest;
  if (one === undefined) return;
  details.show(one);
  treemap.mark(one);
  table.mark(one);
}

function showAll(): void {
  isDue = false;
  const packages = filterPackages(model, filter);
  const summary = summarize(model, packages);
  const all = packages.length === model.packages.length ? "" : ` of ${formatNumber(model.packages.length)}`;
  const saved = summary.unshared - summary.stored;
  const share = summary.unshared > 0 ? formatShare(saved / summary.unshared) : "–";
  byId("totals").replaceChildren(
    tile("Packages", `${formatNumber(packages.length)}${all}`),
    tile("Stored", formatSize(summary.stored)),
    tile("Without sharing", formatSize(summary.unshared)),
    tile("Saved by sharing", `${formatSize(saved)}`, share),
    tile("Shared layers", formatNumber(summary.shared.length)),
  );
  treemap.show(packages);
  table.show(packages);
  growth.show(packages);
  showSharedLayers(summary, model, choose);
  const anywhere =
    filter.architecture === undefined ? packages : filterPackages(model, { ...filter, architecture: undefined });
  showArchitectures(model, anywhere, filter.architecture, (at) => look({ ...filter, architecture: at }));
}

function tile(term: string, value: string, note = ""): HTMLElement {
  const more = note === "" ? [] : [" ", element("small", {}, note)];
  return element("div", { class: "tile" }, element("dt", {}, term), element("dd", {}, value, ...more));
}

/** Looks at other packages, once a frame. */
function look(next: Filter): void {
  filter = next;
  architectures.value = next.architecture === undefined ? "" : String(next.architecture);
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(showAll);
}

for (const [at, name] of model.architectures.entries()) {
  architectures.append(element("option", { value: String(at) }, name));
}
search.addEventListener("input", () => look({ ...filter, words: search.value }));
architectures.addEventListener("change", () => {
  look({ ...filter, architecture: architectures.value === "" ? undefined : Number(architectures.value) });
});
byId("sizes").addEventListener("change", (event) =>
  treemap.sizeBy((event.target as HTMLInputElement).value as SizeKey),
);
byId("colors").addEventListener("change", (event) =>
  treemap.colorBy((event.target as HTMLInputElement).value as ColorKey),
);
addEventListener("hashchange", () => {
  showChosen();
  reveal();
});

treemap.colorBy("neededBy");
showAll();
showChosen();
