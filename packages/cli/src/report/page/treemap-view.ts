import { formatSize } from "../../render/format-size.js";
import { type Coloring, type ColorKey, createColoring } from "./coloring.js";
import { byId, element, readVariables } from "./dom.js";
import type { Model, Package } from "./model.js";
import { type Cell, cellAt, layoutTreemap, TITLE_HEIGHT, type Treemap } from "./treemap.js";
import { count } from "./wording.js";

export type SizeKey = "own" | "whole";

/** Packages as areas of a canvas, to point at and to choose from. */
export class TreemapView {
  readonly #canvas = byId("treemap") as HTMLCanvasElement;
  readonly #tip = byId("tip");
  readonly #model: Model;
  readonly #choose: (one: Package) => void;
  #packages: readonly Package[] = [];
  #size: SizeKey = "own";
  #colors: ColorKey = "neededBy";
  #map: Treemap = { cells: [], groups: [] };
  #coloring: Coloring;
  #chosen: Package | undefined;
  #pointed: Cell | undefined;

  constructor(model: Model, choose: (one: Package) => void) {
    this.#model = model;
    this.#choose = choose;
    this.#coloring = createColoring(this.#colors, model);
    this.#canvas.addEventListener("pointermove", (event) => this.#point(this.#cellUnder(event), event));
    this.#canvas.addEventListener("pointerleave", () => this.#point(undefined));
    this.#canvas.addEventListener("blur", () => this.#point(undefined));
    this.#canvas.addEventListener("click", (event) => this.#take(this.#cellUnder(event)));
    this.#canvas.addEventListener("keydown", (event) => this.#press(event));
    new ResizeObserver(() => this.#layout()).observe(this.#canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.colorBy(this.#colors));
  }

  show(packages: readonly Package[]): void {
    this.#packages = packages;
    this.#layout();
  }

  sizeBy(key: SizeKey): void {
    this.#size = key;
    this.#layout();
  }

  colorBy(key: ColorKey): void {
    this.#colors = key;
    this.#coloring = createColoring(key, this.#model);
    const items = this.#coloring.legend.map(({ color, label }) => {
      const swatch = element("span", { class: "swatch" });
      swatch.style.background = color;
      return element("li", {}, swatch, label);
    });
    byId("legend").replaceChildren(...items);
    this.#draw();
  }

  mark(one: Package | undefined): void {
    this.#chosen = one;
    this.#draw();
  }

  #layout(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    this.#pointed = undefined;
    this.#map = layoutTreemap(this.#packages, (one) => one[this.#size], { x: 0, y: 0, width, height });
    const label = `Treemap of ${count(this.#packages.length, "package")} by size. Arrow keys go from large to small, Enter chooses.`;
    this.#canvas.setAttribute("aria-label", label);
    this.#draw();
  }

  #cellUnder(event: MouseEvent): Cell | undefined {
    return cellAt(this.#map, event.offsetX, event.offsetY);
  }

  #take(cell: Cell | undefined): void {
    if (cell !== undefined) this.#choose(cell.package);
  }

  #press(event: KeyboardEvent): void {
    const { cells } = this.#map;
    const at = this.#pointed === undefined ? -1 : cells.indexOf(this.#pointed);
    const targets: Readonly<Record<string, number>> = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      Home: 0,
      End: cells.length - 1,
    };
    const target = targets[event.key];
    if (target !== undefined) this.#point(cells[Math.min(Math.max(target, 0), cells.length - 1)]);
    else if (event.key === "Enter" || event.key === " ") this.#take(this.#pointed);
    else if (event.key === "Escape") this.#point(undefined);
    else return;
    event.preventDefault();
  }

  #point(cell: Cell | undefined, pointer?: PointerEvent): void {
    const isNew = cell !== this.#pointed;
    this.#pointed = cell;
    this.#tip.hidden = cell === undefined;
    if (cell === undefined) {
      if (isNew) this.#draw();
      return;
    }
    const { name, version, own, whole, neededBy } = cell.package;
    if (isNew) {
      const facts = `${formatSize(own)}, image ${formatSize(whole)}, needed by ${neededBy.length}`;
      this.#tip.replaceChildren(element("strong", {}, `${name}@${version}`), element("span", {}, facts));
      this.#draw();
    }
    this.#placeTip(pointer?.offsetX ?? cell.x + cell.width / 2, pointer?.offsetY ?? cell.y + cell.height / 2);
  }

  /** Beside the point, and inside of the picture. */
  #placeTip(x: number, y: number): void {
    const { offsetWidth: width, offsetHeight: height } = this.#tip;
    const left = x + 14 + width > this.#canvas.clientWidth ? x - width - 14 : x + 14;
    const top = y + 14 + height > this.#canvas.clientHeight ? y - height - 14 : y + 14;
    this.#tip.style.left = `${Math.max(left, 4)}px`;
    this.#tip.style.top = `${Math.max(top, 4)}px`;
  }

  #draw(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const ratio = devicePixelRatio;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    const pen = this.#canvas.getContext("2d");
    if (pen === null) return;
    pen.scale(ratio, ratio);
    const [font = "", ground = "", title = "", frame = ""] = readVariables(["--font", "--card", "--title", "--ink"]);
    pen.textBaseline = "top";
    for (const group of this.#map.groups) {
      if (!group.titled) continue;
      pen.fillStyle = title;
      pen.font = `600 12px ${font}`;
      pen.fillText(fit(pen, group.name, group.width - 10), group.x + 5, group.y + 3);
    }
    for (const cell of this.#map.cells) this.#drawCell(pen, cell, font);
    pen.strokeStyle = ground;
    for (const { x, y, width: w, height: h } of this.#map.groups) {
      pen.lineWidth = Math.min(3, Math.min(w, h) / 8);
      pen.strokeRect(x, y, w, h);
    }
    for (const cell of this.#map.cells) {
      if (cell !== this.#pointed && cell.package !== this.#chosen) continue;
      pen.strokeStyle = frame;
      pen.lineWidth = cell.package === this.#chosen ? 3 : 2;
      pen.strokeRect(cell.x + 1.5, cell.y + 1.5, Math.max(cell.width - 3, 0), Math.max(cell.height - 3, 0));
    }
  }

  #drawCell(pen: CanvasRenderingContext2D, cell: Cell, font: string): void {
    const { x, y, width, height } = cell;
    const { color, ink } = this.#coloring.shadeOf(cell.package);
    // Cells of a few pixels would vanish in the gaps between them.
    const gap = Math.min(width, height) > 4 ? 1 : 0;
    pen.fillStyle = color;
    pen.fillRect(x + gap / 2, y + gap / 2, width - gap, height - gap);
    if (width < 40 || height < TITLE_HEIGHT + 2) return;
    const { name, version } = cell.package;
    pen.fillStyle = ink;
    pen.font = `${cell.single ? 600 : 500} 12px ${font}`;
    pen.fillText(fit(pen, cell.single ? name : version, width - 12), x + 6, y + 5);
    if (width < 56 || height < 36) return;
    pen.font = `11px ${font}`;
    pen.fillText(fit(pen, formatSize(cell.package[this.#size]), width - 12), x + 6, y + 20);
  }
}

/** The beginning of a text that fits into a width. */
function fit(pen: CanvasRenderingContext2D, text: string, width: number): string {
  const full = pen.measureText(text).width;
  if (full <= width) return text;
  const letters = Math.floor((text.length * width) / full) - 1;
  return letters < 2 ? "" : `${text.slice(0, letters)}…`;
}
