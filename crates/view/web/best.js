// @ts-check
// The rule by which the best of several trials or runs is chosen: the twin of best.rs of the sweeps. The tests of both read
// tests/best.json.

/** Statuses of the trials of a sweep that can be its best: finished ones, or without any the pruned ones. */
export const TRIALS = [['finished'], ['pruned']];
/** Statuses of the runs of a project that can be its best: finished ones, or without any those that have come to something. */
export const RUNS = [['finished'], ['running', 'stopped', 'killed', 'pruned']];

/**
 * Those of `rows` that were better than all before them; the last of these is the best. The lowest cost is best, and of equal
 * costs the earliest. Without a cost a row never counts.
 * @param {number[]} rows @param {(i: number) => string} status @param {(i: number) => number | null | undefined} cost
 * @param {string[][]} tiers lists of statuses: those of the first list count of which any row is
 * @returns {number[]}
 */
export function improvements(rows, status, cost, tiers) {
  for (const tier of tiers) {
    const found = /** @type {number[]} */ ([]);
    let least = Infinity;
    for (const i of rows) {
      const value = cost(i);
      if (typeof value === 'number' && value < least && Number.isFinite(value) && tier.includes(status(i))) {
        least = value;
        found.push(i);
      }
    }
    if (found.length) return found;
  }
  return [];
}
