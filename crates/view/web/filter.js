// @ts-check
// The filter of tables: `val_accuracy>0.87 optimizer=adam text`. Terms stand side by side and must all hold.

import { plain } from './format.js';

/** Short names that people type. */
const SHORT = { acc: 'val_accuracy', loss: 'val_loss', lr: 'learning_rate', opt: 'optimizer', act: 'activation', bs: 'batch_size', wd: 'weight_decay', state: 'status' };

/** @typedef {{name: string, op: string, value: string} | {text: string}} Term */

/** Takes a filter apart. Quotes keep spaces: `notes:"too deep"`. @param {string} text @returns {Term[]} */
export function terms(text) {
  const parts = text.match(/(?:[^\s"]+|"[^"]*"?)+/g) ?? [];
  return parts.map((part) => {
    const found = /^([A-Za-z_][\w.-]*)(>=|<=|!=|=|>|<|:)(.*)$/.exec(part);
    if (!found) return { text: unquoted(part).toLowerCase() };
    return { name: found[1], op: found[2], value: unquoted(found[3]) };
  });
}

/**
 * A filter as a function of a row, `null` if it lets all through, and what of it was not understood.
 * @param {string} text @param {import('./columns.js').Columns} columns
 * @returns {{passes: ((i: number) => boolean) | null, problems: string[]}}
 */
export function makeFilter(text, columns) {
  /** @type {((i: number) => boolean)[]} */
  const tests = [];
  const problems = [];
  for (const term of terms(text)) {
    if ('text' in term) {
      tests.push(contains(term.text, columns));
      continue;
    }
    const column = columnFor(term.name, columns);
    if (!column) problems.push(`there is no column ${term.name}`);
    else if (term.value !== '') tests.push(compare(column, term.op, term.value));
  }
  const passes = tests.length ? (/** @type {number} */ i) => tests.every((test) => test(i)) : null;
  return { passes, problems };
}

/** The column that a name means: exactly, by a short name, or by its beginning. @param {string} name @param {import('./columns.js').Columns} columns */
export function columnFor(name, columns) {
  const lower = name.toLowerCase().replaceAll('-', '_');
  const exact = columns.column(lower) ?? columns.column(/** @type {any} */ (SHORT)[lower] ?? '');
  if (exact) return exact;
  const begun = columns.names.filter((each) => each.startsWith(lower));
  return begun.length === 1 ? columns.column(begun[0]) : undefined;
}

/** @param {import('./columns.js').Column} column @param {string} op @param {string} value @returns {(i: number) => boolean} */
function compare(column, op, value) {
  const wanted = value.toLowerCase();
  if (column.kind === 'category') {
    const holds = column.levels.map((level) => one(level, op, wanted));
    const missing = one(null, op, wanted);
    return (i) => (column.code(i) < 0 ? missing : holds[column.code(i)]);
  }
  if (column.name === 'tags' && op === '=') return (i) => String(column.at(i) ?? '').toLowerCase().split(' ').includes(wanted);
  const number = numeric(wanted);
  if (number === null || column.kind === 'text' || op === ':') return (i) => one(column.at(i), op, wanted);
  return (i) => ordered(column.at(i), op, number);
}

/** @param {any} value @param {string} op @param {string} wanted @returns {boolean} */
function one(value, op, wanted) {
  if (value === null) return op === '!=' ? wanted !== 'none' : op === '=' && wanted === 'none';
  const text = plain(value).toLowerCase();
  if (op === ':') return text.includes(wanted);
  const number = numeric(wanted);
  if (typeof value === 'number' && number !== null) return ordered(value, op, number);
  if (op === '=') return same(text, value, wanted);
  if (op === '!=') return !same(text, value, wanted);
  return number === null && (op[0] === '>' ? text > wanted : text < wanted);
}

/** @param {string} text @param {any} value @param {string} wanted */
function same(text, value, wanted) {
  return text === wanted || text === wanted.replaceAll(',', ' ') || String(value).toLowerCase() === wanted;
}

/** @param {any} value @param {string} op @param {number} number @returns {boolean} */
function ordered(value, op, number) {
  if (value === null) return op === '!=';
  if (op === '>') return value > number;
  if (op === '>=') return value >= number;
  if (op === '<') return value < number;
  if (op === '<=') return value <= number;
  return (op === '!=') !== (value === number);
}

/** `0.87`, `87%` or `1e-3` as a number. @param {string} text */
function numeric(text) {
  const share = text.endsWith('%');
  const digits = share ? text.slice(0, -1) : text;
  if (digits.trim() === '') return null;
  const number = Number(digits);
  return Number.isNaN(number) ? null : share ? number / 100 : number;
}

/** @param {string} text @param {import('./columns.js').Columns} columns @returns {(i: number) => boolean} */
function contains(text, columns) {
  /** @type {((i: number) => boolean)[]} */
  const tests = [];
  for (const name of columns.names) {
    const column = columns.column(name);
    if (column?.kind === 'text') tests.push((/** @type {number} */ i) => String(column.at(i) ?? '').toLowerCase().includes(text));
    if (column?.kind === 'category') {
      const holds = column.levels.map((level) => plain(level).toLowerCase().includes(text));
      if (holds.includes(true)) tests.push((/** @type {number} */ i) => holds[column.code(i)] === true);
    }
  }
  return (i) => tests.some((test) => test(i));
}

/** @param {string} text */
function unquoted(text) {
  return text.replaceAll('"', '');
}
