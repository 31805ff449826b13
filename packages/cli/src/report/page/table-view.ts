import { formatSize } from "../../render/format-size.js";
import { button, byId, element } from "./dom.js";
import type { Model, Package } from "./model.js";
import { sizeBesideBar } from "./size-bar.js";
import { type Sorting, type SortKey, sortPackages } from "./sort-packages.js";
import { count, formatDay, formatNumber } from "./wording.js";

/** Rows of a page of the table. */
const ROWS = 50;

interface Column {
  readonly title: string;
  readonly key?: SortKey;
  /** `wide`: only where there is room; `number`: to the right. */
  readonly classes: string;
}

const COLUMNS: readonly Column[] = [
  { title: "Package", key: "name", classes: "" },
  { title: "Architecture", classes: "wide" },
  { title: "Own layer", key: "own", classes: "number" },
  { title: "Whole image", key: "whole", classes: "number" },
  { title: "Needs", key: "needs", classes: "number wide" },
  { title: "Needed by", key: "neededBy", classes: "number middle" },
  { title: "Date", key: "created", classes: "number wide" },
];

/** The packages as a table, sorted by a column, a page at a time. */
export class TableView {
  readonly #model: Model;
  readonly #choose: (one: Package) => void;
  #packages: readonly Package[] = [];
  #sorting: Sorting = { key: "own", descending: true };
  #page = 0;
  #chosen: Package | undefined;

  constructor(model: Model, choose: (one: Package) => void) {
    this.#model = model;
    this.#choose = choose;
  }

  show(packages: readonly Package[]): void {
    this.#packages = sortPackages(packages, this.#sorting);
    this.#page = 0;
    this.#render();
  }

  mark(one: Package | undefined): void {
    this.#chosen = one;
    for (const row of byId("rows").children) {
      row.classList.toggle("chosen", one !== undefined && row.getAttribute("data-at") === String(one.at));
    }
  }

  #render(): void {
    byId("columns").replaceChildren(...COLUMNS.map((column) => this.#heading(column)));
    const largest = this.#packages.reduce((most, { own }) => Math.max(most, own), 1);
    const first = this.#page * ROWS;
    const shown = this.#packages.slice(first, first + ROWS);
    byId("rows").replaceChildren(...shown.map((one) => this.#row(one, largest)));
    this.mark(this.#chosen);
    this.#renderPager(first, shown.length);
  }

  #heading({ title, key, classes }: Column): HTMLElement {
    const cell = element("th", { scope: "col", class: classes }, ...(key === undefined ? [title] : []));
    if (key === undefined) return cell;
    const isSorted = key === this.#sorting.key;
    const { descending } = this.#sorting;
    if (isSorted) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const arrow = element("span", { class: "arrow", "aria-hidden": "true" }, isSorted ? (descending ? "▾" : "▴") : "");
    const sort = (): void => {
      this.#sorting = { key, descending: isSorted ? !descending : key !== "name" };
      this.show(this.#packages);
      byId("columns").querySelector<HTMLElement>(`[data-key=${key}]`)?.focus();
    };
    cell.append(button({ class: "sort", "data-key": key }, sort, title, arrow));
    return cell;
  }

  #row(one: Package, largest: number): HTMLElement {
    const { name, version, hash, created } = one;
    const label = button({ class: "link" }, () => this.#choose(one), element("strong", {}, name), `@${version}`);
    const short = element("span", { class: "hash" }, `/${hash.slice(0, 7)}`);
    const cells: readonly (readonly (string | Node)[])[] = [
      [label, " ", short],
      [this.#model.architectures[one.architecture] ?? ""],
      sizeBesideBar(one.own, largest),
      [formatSize(one.whole)],
      [formatNumber(one.runs.length)],
      [formatNumber(one.neededBy.length)],
      [created === null ? "–" : formatDay(created)],
    ];
    const row = element("tr", { "data-at": String(one.at) });
    for (const [at, content] of cells.entries()) {
      row.append(element("td", { class: COLUMNS[at]?.classes ?? "" }, ...content));
    }
    return row;
  }

  #renderPager(first: number, shown: number): void {
    const total = this.#packages.length;
    const where =
      total === 0
        ? "No package matches."
        : `${formatNumber(first + 1)}–${formatNumber(first + shown)} of ${count(total, "package")}`;
    const previous = this.#pageButton("Previous", -1, first > 0);
    const next = this.#pageButton("Next", 1, first + shown < total);
    byId("pager").replaceChildren(
      element("span", { role: "status" }, where),
      ...(total > ROWS ? [previous, next] : []),
    );
  }

  #pageButton(title: string, step: number, enabled: boolean): HTMLButtonElement {
    const made = button(
      { "data-step": String(step) },
      () => {
        this.#page += step;
        this.#render();
        byId("pager").querySelector<HTMLElement>(`[data-step="${step}"]:enabled, button:enabled`)?.focus();
      },
      title,
    );
    made.disabled = !enabled;
    return made;
  }
}
