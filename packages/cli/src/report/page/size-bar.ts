import { formatSize } from "../../render/format-size.js";
import { element } from "./dom.js";

/** A bar that shows a share of 0 to 1. */
export function bar(share: number): HTMLElement {
  const filled = element("span", { class: "bar-fill" });
  filled.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  return element("span", { class: "bar", "aria-hidden": "true" }, filled);
}

/** A size and before it the bar of its share of the largest, for the cell of a table. */
export function sizeBesideBar(size: number, largest: number): HTMLElement[] {
  return [bar(size / largest), element("span", { class: "beside" }, formatSize(size))];
}
