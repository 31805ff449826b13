import { formatSize } from "../../render/format-size.js";
import { button, byId, element } from "./dom.js";
import { type Model, type Package, type SharedLayer, type Summary, savedBy } from "./model.js";
import { sizeBesideBar } from "./size-bar.js";
import { count, formatNumber } from "./wording.js";

/** Layers that are listed. */
const SHOWN = 12;

/** Lists the layers that images share, those first that save most. */
export function showSharedLayers({ shared }: Summary, model: Model, choose: (one: Package) => void): void {
  const most = savedBy(shared[0] ?? NOTHING) || 1;
  const rows = shared
    .slice(0, SHOWN)
    .map((layer) =>
      element(
        "tr",
        {},
        element("td", {}, labelOf(layer, model, choose)),
        element("td", { class: "number middle" }, formatSize(layer.size)),
        element("td", { class: "number" }, formatNumber(layer.images)),
        element("td", { class: "number" }, ...sizeBesideBar(savedBy(layer), most)),
      ),
    );
  byId("layer-rows").replaceChildren(...rows);
  byId("layers-table").hidden = shared.length === 0;
  const more = shared.length > SHOWN ? ` These are the ${SHOWN} that save most.` : "";
  const note =
    shared.length === 0
      ? "No two of these images share a layer."
      : `${count(shared.length, "layer is", "layers are")} part of several images.${more}`;
  byId("layers-note").textContent = note;
}

const NOTHING: SharedLayer = { digest: "", size: 0, package: null, images: 1 };

function labelOf(layer: SharedLayer, { packages }: Model, choose: (one: Package) => void): HTMLElement {
  const owner = layer.package === null ? undefined : packages[layer.package];
  if (owner === undefined) {
    const digest = element("code", { title: layer.digest }, layer.digest.slice(7, 19));
    return element("span", { class: "label" }, "layer ", digest);
  }
  return button({ class: "link" }, () => choose(owner), element("strong", {}, owner.name), `@${owner.version}`);
}
