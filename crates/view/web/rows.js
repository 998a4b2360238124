// @ts-check
// In which order a table shows its rows, and what groups of them have in common.

import { plain } from './format.js';

/** @typedef {{name: string, down: boolean}} Sort */
/** @typedef {{key: string, value: any, rows: number[], of: (name: string) => Spread | null}} Group */
/** @typedef {{n: number, mean: number, sd: number | null}} Spread `sd` is the sample's, null for one value */

/** The rows that pass, sorted; those without a value are last either way, and equal ones keep their order. @param {import('./columns.js').Columns} columns @param {Uint8Array | null} mask @param {Sort | null} sort @returns {Int32Array} */
export function order(columns, mask, sort) {
  let n = 0;
  const rows = new Int32Array(columns.rows);
  for (let i = 0; i < columns.rows; i++) if (!mask || mask[i]) rows[n++] = i;
  const kept = rows.subarray(0, n);
  const column = sort && columns.column(sort.name);
  if (!column) return kept;
  const keys = ranks(column, columns.rows);
  const sign = sort.down ? -1 : 1;
  return kept.sort((a, b) => {
    const [x, y] = [keys[a], keys[b]];
    if (x === y) return a - b;
    if (x !== x) return y !== y ? a - b : 1;
    return y !== y ? -1 : (x - y) * sign;
  });
}

/** True if a column is sorted from high to low first. @param {import('./columns.js').Column | undefined} column */
export function downFirst(column) {
  return column?.kind === 'number' || column?.kind === 'time';
}

/** The rows in groups of equal values, in the order in which the values come. @param {import('./columns.js').Columns} columns @param {ArrayLike<number>} rows @param {string} name @returns {Group[]} */
export function groups(columns, rows, name) {
  const column = columns.column(name);
  /** @type {Map<string, Group>} */
  const found = new Map();
  for (let k = 0; k < rows.length; k++) {
    const value = column?.at(rows[k]) ?? null;
    const key = JSON.stringify(value);
    let group = found.get(key);
    if (!group) {
      const members = /** @type {number[]} */ ([]);
      group = { key, value, rows: members, of: (each) => spread(columns.column(each), members) };
      found.set(key, group);
    }
    group.rows.push(rows[k]);
  }
  return [...found.values()];
}

/** Mean and standard deviation of the numbers among some rows. @param {import('./columns.js').Column | undefined} column @param {number[]} rows @returns {Spread | null} */
export function spread(column, rows) {
  if (column?.kind !== 'number') return null;
  const values = rows.map((i) => column.at(i)).filter((value) => typeof value === 'number');
  if (!values.length) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { n: values.length, mean, sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : null };
}

/** A number for each row by which rows are sorted; NaN is missing. @param {import('./columns.js').Column} column @param {number} rows */
function ranks(column, rows) {
  const keys = new Float64Array(rows);
  if (column.kind === 'number' || column.kind === 'time') {
    for (let i = 0; i < rows; i++) keys[i] = column.at(i) ?? NaN;
    return keys;
  }
  if (column.kind === 'category') {
    const sorted = column.levels.map((_, code) => code).sort((a, b) => (before(column.levels[a], column.levels[b]) ? -1 : 1));
    const codes = new Float64Array(sorted.length);
    sorted.forEach((code, place) => (codes[code] = place));
    for (let i = 0; i < rows; i++) keys[i] = codes[column.code(i)] ?? NaN;
    return keys;
  }
  const texts = Array.from({ length: rows }, (_, i) => String(column.at(i) ?? '').toLowerCase());
  const rank = new Map([...new Set(texts)].sort().map((text, place) => [text, place]));
  for (let i = 0; i < rows; i++) keys[i] = texts[i] === '' ? NaN : (rank.get(texts[i]) ?? NaN);
  return keys;
}

/** @param {any} a @param {any} b @returns {boolean} */
function before(a, b) {
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.length !== b.length) return a.length < b.length;
    const at = a.findIndex((value, i) => value !== b[i]);
    return at >= 0 && before(a[at], b[at]);
  }
  return plain(a).toLowerCase() < plain(b).toLowerCase();
}
