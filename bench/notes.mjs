/** How the numbers of a comparison came about. */
export function roundsNote({ options }) {
  const { rounds } = options;
  return `medians of ${rounds} ${rounds === 1 ? "round" : "rounds"}, all in turn within a round; the files are in memory; servers run on the same machine, and their seconds of processor are not counted`;
}
