import { formatSize } from "../../render/format-size.js";
import { button, byId, drawing, element } from "./dom.js";
import { countDependents, type Model, type Package } from "./model.js";
import { bar } from "./size-bar.js";
import { count, formatMinute, formatNumber } from "./wording.js";

/** Neighbours that are shown on each side before one asks for more. */
const SHOWN = 9;
/** How many more at a time. */
const MORE = 100;

/** One package: what it is, what needs it, and what it needs. */
export class PackageView {
  readonly #model: Model;
  readonly #choose: (one: Package) => void;

  constructor(model: Model, choose: (one: Package) => void) {
    this.#model = model;
    this.#choose = choose;
    new ResizeObserver(() => connect()).observe(byId("neighbours"));
  }

  show(one: Package): void {
    byId("package-title").replaceChildren(
      element("strong", {}, one.name),
      `@${one.version} `,
      element("span", { class: "hash" }, `/${one.hash}`),
    );
    byId("facts").replaceChildren(...this.#facts(one).flatMap(([term, value]) => fact(term, value)));
    const needs = [...this.#at(one.runs, false), ...this.#at(one.builds, true), ...one.lacks];
    const neededBy = [...this.#at(one.neededBy, false), ...this.#at(one.buildNeededBy, true)];
    const center = element(
      "div",
      { class: "center" },
      element("strong", {}, one.name),
      element("span", {}, one.version),
    );
    byId("neighbours").replaceChildren(
      drawing("svg", { id: "links", "aria-hidden": "true" }),
      this.#side("needed-by", "Needed by", neededBy),
      center,
      this.#side("needs", "Needs", needs),
    );
    connect();
  }

  #facts(one: Package): [string, string | HTMLElement][] {
    const { neededBy, buildNeededBy, created } = one;
    const all = countDependents(this.#model, one);
    const forBuilds = buildNeededBy.length > 0 ? `; ${formatNumber(buildNeededBy.length)} more to build` : "";
    return [
      ["Own layer", formatSize(one.own)],
      ["Whole image", `${formatSize(one.whole)} in ${count(one.layers.length, "layer")}`],
      ["Needed by", `${formatNumber(neededBy.length)} directly, ${formatNumber(all)} in all${forBuilds}`],
      ["Date", created === null ? "not known" : `${formatMinute(created)} UTC`],
      ["Architecture", this.#model.architectures[one.architecture] ?? ""],
      ["Spec", element("code", {}, one.spec)],
      ["Image", element("code", {}, one.image)],
      ["Digest", element("code", {}, one.digest)],
    ];
  }

  #at(positions: readonly number[], isBuild: boolean): Neighbour[] {
    const found = positions.flatMap((at) => this.#model.packages[at] ?? []);
    return found.sort((a, b) => b.own - a.own).map((one) => ({ package: one, isBuild }));
  }

  #side(id: string, title: string, neighbours: readonly (Neighbour | string)[]): HTMLElement {
    const list = element("ul");
    const largest = neighbours.reduce((most, one) => Math.max(most, typeof one === "string" ? 0 : one.package.own), 1);
    const fill = (limit: number): void => {
      list.replaceChildren(...neighbours.slice(0, limit).map((one) => element("li", {}, this.#item(one, largest))));
      if (neighbours.length > limit) list.append(element("li", {}, moreButton(limit)));
      connect();
    };
    const moreButton = (shown: number): HTMLButtonElement => {
      const showMore = (): void => {
        fill(shown + MORE);
        list.children[shown]?.querySelector("button")?.focus();
      };
      return button({ class: "more" }, showMore, `and ${formatNumber(neighbours.length - shown)} more`);
    };
    // Rather all than one behind a button.
    fill(neighbours.length === SHOWN + 1 ? SHOWN + 1 : SHOWN);
    if (neighbours.length === 0) list.append(element("li", { class: "none" }, "nothing in this report"));
    const heading = element(
      "h3",
      {},
      title,
      " ",
      element("span", { class: "amount" }, formatNumber(neighbours.length)),
    );
    return element("section", { id, class: "side" }, heading, list);
  }

  #item(one: Neighbour | string, largest: number): HTMLElement {
    if (typeof one === "string") {
      return element(
        "span",
        { class: "neighbour absent" },
        element("span", { class: "label" }, one),
        " not in this report",
      );
    }
    const { name, version, own } = one.package;
    const label = element("span", { class: "label" }, element("strong", {}, name), `@${version}`);
    const size = element("span", { class: "size" }, one.isBuild ? "to build" : formatSize(own));
    const kind = one.isBuild ? "neighbour build" : "neighbour";
    return button({ class: kind }, () => this.#choose(one.package), label, size, bar(own / largest));
  }
}

interface Neighbour {
  readonly package: Package;
  readonly isBuild: boolean;
}

function fact(term: string, value: string | HTMLElement): HTMLElement[] {
  return [element("dt", {}, term), element("dd", {}, value)];
}

/** Draws the lines from the package in the middle to its neighbours. */
function connect(): void {
  const field = byId("neighbours");
  const links = field.querySelector("#links");
  const center = field.querySelector(".center");
  if (links === null || center === null) return;
  const origin = field.getBoundingClientRect();
  const middle = center.getBoundingClientRect();
  const y = middle.top + middle.height / 2 - origin.top;
  const lines = [...field.querySelectorAll<HTMLElement>(".neighbour")].map((item) => {
    const box = item.getBoundingClientRect();
    const isBefore = box.right <= middle.left;
    const from = (isBefore ? middle.left : middle.right) - origin.left;
    const to = (isBefore ? box.right : box.left) - origin.left;
    const end = box.top + box.height / 2 - origin.top;
    const half = (from + to) / 2;
    const kind = item.classList.contains("build")
      ? "link-build"
      : item.classList.contains("absent")
        ? "link-absent"
        : "";
    return drawing("path", { d: `M${from} ${y} C${half} ${y} ${half} ${end} ${to} ${end}`, class: kind });
  });
  links.replaceChildren(...lines);
}
