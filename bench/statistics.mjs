function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians of a row's samples and the spread of its seconds; undefined for what its samples lack. */
export function summarize({ samples }) {
  const seconds = samples.map((sample) => sample.seconds);
  const of = (key) => {
    const values = samples.map((sample) => sample[key]).filter((value) => value > 0);
    return values.length > 0 ? median(values) : undefined;
  };
  return {
    seconds: median(seconds),
    from: Math.min(...seconds),
    to: Math.max(...seconds),
    cpuSeconds: of("cpuSeconds"),
    peakBytes: of("peakBytes"),
    bytes: of("bytes"),
    requests: of("requests"),
  };
}

/** The median of the ratios of two rows within each round: what slows a whole round does not move it. Undefined if they share no round. */
export function ratioOf(row, reference, key = "seconds") {
  const ratios = row.samples.flatMap((sample, round) => {
    const other = reference.samples[round]?.[key];
    return other > 0 ? [sample[key] / other] : [];
  });
  return ratios.length > 0 ? median(ratios) : undefined;
}

/**
 * Holds rows against targets: `{ row, of, atMost, key }`, the ratio of two rows in `key` ("seconds" unless told), or, without `of`, the median itself.
 * Targets whose rows are not there are left out. Each gets `value` and `isMet`.
 */
export function judge(targets, rows) {
  const measured = new Map(rows.filter(({ samples }) => samples.length > 0).map((row) => [row.label, row]));
  return targets.flatMap((target) => {
    const { row, of, atMost, key = "seconds" } = target;
    if (!measured.has(row) || (of !== undefined && !measured.has(of))) return [];
    const one = measured.get(row);
    const value = of === undefined ? summarize(one)[key] : ratioOf(one, measured.get(of), key);
    return value === undefined ? [] : [{ ...target, key, value, isMet: value <= atMost }];
  });
}
