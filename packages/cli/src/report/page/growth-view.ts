import { formatSize } from "../../render/format-size.js";
import { byId, drawing, element } from "./dom.js";
import { type GrowthPoint, growthOf, thinOut } from "./growth.js";
import type { Model, Package } from "./model.js";
import { count, formatDay, formatMinute, formatNumber } from "./wording.js";

const HEIGHT = 220;
const MARGIN = { left: 66, right: 12, top: 12, bottom: 26 };
/** Points that a chart needs at most, and rows of its table. */
const CHART_POINTS = 400;
const TABLE_ROWS = 24;
const DAY = 86_400_000;
const DIVISIONS = 4;
/** Room for a time below the chart. */
const LABEL_WIDTH = 150;

/** How a cache has grown, as a chart and a table. */
export class GrowthView {
  readonly #model: Model;
  #points: readonly GrowthPoint[] = [];

  constructor(model: Model) {
    this.#model = model;
    new ResizeObserver(() => this.#draw()).observe(byId("growth-chart"));
  }

  show(packages: readonly Package[]): void {
    this.#points = growthOf(this.#model, packages);
    const dated = this.#points.at(-1)?.packages ?? 0;
    byId("growth-note").textContent = describe(this.#points, packages.length - dated);
    const rows = thinOut(this.#points, TABLE_ROWS).map(({ time, packages: amount, stored }) =>
      element("tr", {}, cell(formatMinute(time)), cell(formatNumber(amount)), cell(formatSize(stored))),
    );
    byId("growth-rows").replaceChildren(...rows);
    this.#draw();
  }

  #draw(): void {
    const field = byId("growth-chart");
    const isDrawn = this.#points.length > 1;
    field.hidden = !isDrawn;
    byId("growth-table").hidden = !isDrawn;
    if (!isDrawn) return;
    field.replaceChildren(chartOf(thinOut(this.#points, CHART_POINTS), field.clientWidth));
  }
}

function describe(points: readonly GrowthPoint[], undated: number): string {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined)
    return undated > 0 ? "None of these packages has a date." : "No packages.";
  const rest = undated === 0 ? "" : ` ${count(undated, "package has", "packages have")} no date.`;
  const days =
    formatDay(first.time) === formatDay(last.time)
      ? `On ${formatDay(first.time)}`
      : `${formatDay(first.time)} to ${formatDay(last.time)}`;
  return `${days}: ${count(last.packages, "package")}, ${formatSize(last.stored)}.${rest}`;
}

function cell(text: string): HTMLElement {
  return element("td", {}, text);
}

/** A chart with steps: nothing grows between two pushes. */
function chartOf(points: readonly GrowthPoint[], width: number): SVGElement {
  const first = (points[0] as GrowthPoint).time;
  const last = (points.at(-1) as GrowthPoint).time;
  const top = niceSize((points.at(-1) as GrowthPoint).stored);
  const right = Math.max(width - MARGIN.right, MARGIN.left + 1);
  const bottom = HEIGHT - MARGIN.bottom;
  const x = (time: number): number => MARGIN.left + ((time - first) / (last - first)) * (right - MARGIN.left);
  const y = (size: number): number => bottom - (size / top) * (bottom - MARGIN.top);
  const steps = points.map(({ time, stored }) => `H${x(time).toFixed(1)} V${y(stored).toFixed(1)}`).join(" ");
  const start = `M${x(first)} ${bottom}`;
  const chart = drawing("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, height: String(HEIGHT), role: "img" });
  chart.setAttribute("aria-label", "Stored bytes over time; the table below has the numbers");
  for (let part = 0; part <= DIVISIONS; part += 1) {
    const size = (top * part) / DIVISIONS;
    const at = String(y(size));
    chart.append(drawing("line", { x1: String(MARGIN.left), x2: String(right), y1: at, y2: at, class: "grid" }));
    chart.append(text(MARGIN.left - 8, y(size) + 4, "end", formatSize(size)));
  }
  chart.append(drawing("path", { d: `${start} ${steps} V${bottom} Z`, class: "area" }));
  chart.append(drawing("path", { d: `${start} ${steps}`, class: "line" }));
  const ticks = Math.max(Math.floor((right - MARGIN.left) / LABEL_WIDTH), 1);
  const format = last - first < 2 * DAY ? formatMinute : formatDay;
  for (let part = 0; part <= ticks; part += 1) {
    const anchor = part === 0 ? "start" : part === ticks ? "end" : "middle";
    const time = first + ((last - first) * part) / ticks;
    chart.append(text(x(time), HEIGHT - 6, anchor, format(time)));
  }
  return chart;
}

/** The next larger size that divides well. */
function niceSize(size: number): number {
  const unit = 1024 ** Math.max(Math.floor(Math.log(Math.max(size, 1)) / Math.log(1024)), 0);
  const decade = 10 ** Math.floor(Math.log10(Math.max(size / unit, 1)));
  const step = [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 4.8, 6, 7.2, 8, 10].find((one) => one * decade * unit >= size) ?? 20;
  return step * decade * unit;
}

function text(x: number, y: number, anchor: string, content: string): SVGElement {
  return drawing("text", { x: String(x), y: String(y), "text-anchor": anchor }, content);
}
