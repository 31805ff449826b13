import { formatSize } from "../../render/format-size.js";
import { button, byId, element } from "./dom.js";
import type { Model, Package } from "./model.js";
import { bar } from "./size-bar.js";
import { count } from "./wording.js";

/** Shows packages and bytes of each architecture; a click looks at one alone, a second one at all. */
export function showArchitectures(
  model: Model,
  packages: readonly Package[],
  chosen: number | undefined,
  choose: (architecture: number | undefined) => void,
): void {
  const rows = model.architectures.map((name, at) => ({ name, at, amount: 0, size: 0 }));
  for (const { architecture, own } of packages) {
    const row = rows[architecture];
    if (row === undefined) continue;
    row.amount += 1;
    row.size += own;
  }
  const largest = rows.reduce((most, { size }) => Math.max(most, size), 1);
  const focused = document.activeElement?.getAttribute("data-architecture");
  const items = rows.map(({ name, at, amount, size }) => {
    const attributes = {
      class: "architecture",
      "aria-pressed": String(at === chosen),
      "data-architecture": String(at),
    };
    const facts = element("span", { class: "size" }, `${count(amount, "package")}, ${formatSize(size)}`);
    const label = element("span", { class: "label" }, name);
    return element(
      "li",
      {},
      button(attributes, () => choose(at === chosen ? undefined : at), label, facts, bar(size / largest)),
    );
  });
  byId("architecture-list").replaceChildren(...items);
  if (focused !== null && focused !== undefined) {
    byId("architecture-list").querySelector<HTMLElement>(`[data-architecture="${focused}"]`)?.focus();
  }
}
