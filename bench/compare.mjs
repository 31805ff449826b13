import { measureInTurn } from "./measure.mjs";
import { chooseContenders } from "./programs.mjs";
import { judge, ratioOf, summarize } from "./statistics.mjs";

/**
 * One table: the contenders (see measureInTurn; `needs` names programs, `unless` is a reason against) whose programs are here, measured in
 * turn; medians, ratios to the row `reference`, and the targets (see judge). Resolves to the table and why contenders were left out.
 */
export async function compare(session, { title, contenders, reference, targets = [] }) {
  const { chosen, leftOut } = await chooseContenders(contenders);
  const measured = await measureInTurn(session, chosen);
  const base = measured.find(({ label, samples }) => label === reference && samples.length > 0);
  const rows = measured.map((row) => {
    if (row.samples.length === 0) return row;
    return { ...row, median: summarize(row), ratio: base && ratioOf(row, base) };
  });
  return { table: { title, reference, rows, targets: judge(targets, measured) }, leftOut };
}
