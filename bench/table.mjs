const QUANTITIES = {
  seconds: { title: "seconds", format: (value) => `${formatSeconds(value)} s` },
  bytes: { title: "size", format: formatBytes },
  cpuSeconds: { title: "seconds of processor", format: (value) => `${formatSeconds(value)} s` },
  peakBytes: { title: "peak memory", format: formatBytes },
  requests: { title: "requests", format: String },
};

/** A report as Markdown: a heading, the machine, notes, and each table with its targets. `text` of a report stands in the tables' place. */
export function formatReport({ name, date, machine, versions, profiled, notes = [], tables = [], leftOut = [], text }) {
  const head = [machine, versions, ...notes];
  if (profiled) head.push("**measured under the profiler, which slows spkoci**");
  for (const reason of leftOut) head.push(`left out: ${reason}`);
  const parts = [`# ${name}, ${date}\n`, `${head.map((line) => `- ${line}`).join("\n")}\n`];
  if (text) parts.push(text);
  for (const table of tables) parts.push(formatTable(table));
  return parts.join("\n");
}

function formatTable({ title, rows, reference, targets }) {
  const measured = rows.filter(({ median }) => median !== undefined);
  const extras = ["bytes", "requests"].filter((key) => measured.some(({ median }) => median[key] !== undefined));
  const hasRatios = measured.some(({ ratio }) => ratio !== undefined);
  const heads = ["", "seconds", "from, to", ...(hasRatios ? ["×"] : []), "of processor", "peak memory"];
  heads.push(...extras.map((key) => QUANTITIES[key].title));
  const lines = measured.map(({ label, median, ratio }) => {
    const cells = [
      label.replaceAll("|", "\\|"),
      formatSeconds(median.seconds),
      `${formatSeconds(median.from)}, ${formatSeconds(median.to)}`,
      ...(hasRatios ? [ratio?.toFixed(2)] : []),
      median.cpuSeconds && formatSeconds(median.cpuSeconds),
      median.peakBytes && formatBytes(median.peakBytes),
      ...extras.map((key) => median[key] && QUANTITIES[key].format(median[key])),
    ];
    return `| ${cells.map((cell) => cell ?? "").join(" | ")} |`;
  });
  const parts = [`**${title}**\n`, `| ${heads.join(" | ")} |\n|${"---|".repeat(heads.length)}\n${lines.join("\n")}\n`];
  const after = [
    ...(hasRatios ? [`×: seconds in those of \`${reference}\`, the median over the rounds`] : []),
    ...targets.map(formatTarget),
    ...rows.flatMap(({ label, failure }) => (failure ? [`\`${label}\` failed: ${failure.replaceAll("\n", " ")}`] : [])),
  ];
  if (after.length > 0) parts.push(`${after.map((line) => `- ${line}`).join("\n")}\n`);
  for (const { label, profile } of rows) if (profile) parts.push(`Profile of \`${label}\`:\n\n${profile}`);
  return parts.join("\n");
}

function formatTarget({ row, of, atMost, key, value, isMet }) {
  const { title, format } = QUANTITIES[key];
  const shown = of === undefined ? format : (number) => `${number.toFixed(3).replace(/0$/, "")} ×`;
  const limit = of === undefined ? shown(atMost) : `${shown(atMost)} \`${of}\``;
  return `target: ${title} of \`${row}\` at most ${limit}. It is ${shown(value)}: **${isMet ? "met" : "not met"}**`;
}

function formatSeconds(value) {
  return value < 1 ? value.toFixed(3) : value.toFixed(2);
}

function formatBytes(value) {
  return `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)} MB`;
}
