// @ts-check
// The filter language of tables: `optimizer=adam,nadam val_accuracy>0.87 text`. It is that of `handloom ls`, whose source
// (filter.rs) describes it; the tests of both read tests/filter.json.

import { NAMES } from './names.js';

/** Columns that the server calls otherwise. @type {Record<string, string>} */
const COLUMNS = { run: 'id', started: 'started_ms' };

/** Columns in which words are looked for. */
const TEXTS = ['name', 'tags', 'notes', 'group', 'sweep', 'dataset', 'status', 'loss', 'optimizer', 'activation', 'weight_init', 'weights'];

/** @typedef {{name: string, op: string, value: string} | {text: string}} Term */
/** @typedef {import('./columns.js').Column} Column */
/** @typedef {import('./columns.js').Columns} Columns */

/** The terms of a filter. Quotes keep spaces: `notes:"too deep"`. @param {string} text @returns {Term[]} */
export function terms(text) {
  const parts = text.match(/(?:[^\s"]+|"[^"]*"?)+/g) ?? [];
  return parts.map((part) => {
    const found = /^([A-Za-z_][A-Za-z0-9_.-]*)(==|>=|<=|!=|=|>|<|:)(.*)$/s.exec(part);
    if (!found) return { text: part };
    return { name: found[1], op: found[2] === '==' ? '=' : found[2], value: unquoted(found[3]).trim() };
  });
}

/**
 * A filter as a function of a row, `null` if it lets all through, and the problems of terms that were left out.
 * @param {string} text @param {Columns} columns @param {Record<string, any>} [same] values that all rows have
 * @returns {{passes: ((i: number) => boolean) | null, problems: string[]}}
 */
export function makeFilter(text, columns, same = {}) {
  /** @type {((i: number) => boolean)[]} */
  const tests = [];
  /** @type {string[]} */
  const problems = [];
  for (const term of terms(text)) {
    const test = 'text' in term ? word(term.text, columns, same) : comparison(term, columns, same);
    if (typeof test === 'string') problems.push(test);
    else tests.push(test);
  }
  const passes = tests.length ? (/** @type {number} */ i) => tests.every((test) => test(i)) : null;
  return { passes, problems };
}

/** The column that a name means: exactly, or by an alias. @param {string} name @param {Columns} columns @param {Record<string, any>} [same] */
export function columnFor(name, columns, same = {}) {
  const lower = name.toLowerCase().replaceAll('-', '_').replace(/^(config|last)\./, '');
  const known = /** @type {Record<string, string>} */ (NAMES.aliases)[lower] ?? lower;
  const find = (/** @type {string} */ each) => columns.column(each) ?? (each in same ? constant(each, same[each]) : undefined);
  return find(lower) ?? find(COLUMNS[known] ?? known);
}

/** A column with one value in every row. @param {string} name @param {any} value @returns {Column} */
function constant(name, value) {
  return { name, kind: 'category', scale: 'linear', levels: [value], at: () => value, code: () => 0 };
}

/** The test of a comparison, or the problem with it. @param {{name: string, op: string, value: string}} term @param {Columns} columns @param {Record<string, any>} same @returns {((i: number) => boolean) | string} */
function comparison({ name, op, value }, columns, same) {
  const isOrder = op[0] === '>' || op[0] === '<';
  // The loss function has no order, so `loss<0.4` can only mean the figure.
  const column = columnFor(isOrder && name.toLowerCase() === 'loss' ? 'val_loss' : name, columns, same);
  if (!column) return `there is no column ${name}`;
  const isEquality = op === '=' || op === '!=';
  if (value === '' && !isEquality) return `${name}${op} has no value`;
  let values = value.includes(',') && !isOrder ? value.split(',').map((each) => each.trim()) : [value];
  if (isEquality) {
    const problem = values.map((each) => unknown(column.name, each)).find(Boolean);
    if (problem) return problem;
    values = values.map((each) => canonical(column.name, each));
  }
  if (value.includes(',')) values.push(value.replaceAll(',', ' '));
  const wanted = values.map((each) => each.toLowerCase());
  const holds = (/** @type {any} */ each) => (op === '!=' ? !wanted.some((one) => equals(each, one, column.kind === 'time')) : wanted.some((one) => passes(each, op, one, column.kind === 'time')));
  if (column.kind === 'category') {
    const levels = column.levels.map(holds);
    const missing = holds(null);
    return (i) => (column.code(i) < 0 ? missing : levels[column.code(i)]);
  }
  const at = reader(column);
  return (i) => holds(at(i));
}

/** Reader of a column's values: tags as a list, times as text. @param {Column} column @returns {(i: number) => any} */
function reader(column) {
  if (column.name === 'tags') return (i) => String(column.at(i) ?? '').split(' ').filter(Boolean);
  if (column.kind === 'time') return (i) => (typeof column.at(i) === 'number' ? new Date(column.at(i)).toISOString() : null);
  return column.at;
}

/** Message for a value that a setting does not have. @param {string} name @param {string} value @returns {string | undefined} */
function unknown(name, value) {
  const known = /** @type {Record<string, Record<string, string>>} */ (NAMES.values)[name];
  if (!known || normalized(value) in known || isMissing(value)) return undefined;
  return `${name} has no value ${value}`;
}

/** The name in records of a value that may be an alias. @param {string} name @param {string} value @returns {string} */
function canonical(name, value) {
  const known = name === 'dataset' ? NAMES.datasets : /** @type {Record<string, Record<string, string>>} */ (NAMES.values)[name];
  // `none` is a name of the identity among activations, and no value elsewhere.
  return /** @type {Record<string, string>} */ (known ?? {})[normalized(value)] ?? (isMissing(value) ? '' : value);
}

/** @param {any} value @param {string} op @param {string} wanted @param {boolean} isTime @returns {boolean} */
function passes(value, op, wanted, isTime) {
  if (op === '=') return equals(value, wanted, isTime);
  if (op === ':') return contains(value, wanted);
  const order = compared(value, wanted);
  if (order === null) return false;
  return op === '>' ? order > 0 : op === '>=' ? order >= 0 : op === '<' ? order < 0 : order <= 0;
}

/** True if a value is the wanted one. Of several tags, one is enough; of several layers, all must be as listed. @param {any} value @param {string} wanted @param {boolean} isTime @returns {boolean} */
function equals(value, wanted, isTime) {
  if (value === null || value === '' || (Array.isArray(value) && !value.length)) return isMissing(wanted);
  if (isMissing(wanted)) return false;
  if (Array.isArray(value)) return value.every((each) => typeof each === 'string') ? value.some((each) => equals(each, wanted, false)) : value.join(' ') === wanted;
  if (typeof value === 'boolean') return wanted === String(value) || wanted === (value ? 'yes' : 'no');
  if (isTime) return String(value).toLowerCase().startsWith(wanted);
  return compared(value, wanted) === 0;
}

/** True if a text contains another; a number must be equal to it. @param {any} value @param {string} wanted @returns {boolean} */
function contains(value, wanted) {
  if (value === null) return false;
  if (typeof value === 'number' || typeof value === 'boolean') return equals(value, wanted, false);
  return (Array.isArray(value) ? value.join(' ') : String(value)).toLowerCase().includes(wanted);
}

/** Below 0 if a value comes before the wanted one, above 0 if after it, null if they do not compare. @param {any} value @param {string} wanted @returns {number | null} */
function compared(value, wanted) {
  if (typeof value === 'number') {
    const number = numeric(wanted);
    return number === null ? null : value - number;
  }
  if (typeof value !== 'string') return null;
  const text = value.toLowerCase();
  return text < wanted ? -1 : text > wanted ? 1 : 0;
}

/** `0.87`, `87%` or `1e-3` as a number. @param {string} text */
function numeric(text) {
  const share = text.endsWith('%');
  const digits = share ? text.slice(0, -1).trim() : text;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(digits)) return null;
  return share ? Number(digits) / 100 : Number(digits);
}

/** The test of a word: contained in a text, or the beginning of the id. @param {string} text @param {Columns} columns @param {Record<string, any>} same @returns {((i: number) => boolean) | string} */
function word(text, columns, same) {
  if (/[=!<>]/.test(text)) return `${text} is not a filter`;
  const wanted = unquoted(text).toLowerCase();
  /** @type {((i: number) => boolean)[]} */
  const tests = [];
  const ids = columns.column('id');
  if (ids) tests.push((i) => String(ids.at(i) ?? '').startsWith(wanted));
  for (const name of columns.names.concat(Object.keys(same))) {
    const column = columnFor(name, columns, same);
    // Settings of a sweep may have any name.
    if (!column || (!TEXTS.includes(name) && column.kind !== 'text') || name === 'id') continue;
    if (column.kind === 'category') {
      const holds = column.levels.map((level) => typeof level === 'string' && level.toLowerCase().includes(wanted));
      if (holds.includes(true)) tests.push((i) => holds[column.code(i)] === true);
    } else tests.push((i) => String(column.at(i) ?? '').toLowerCase().includes(wanted));
  }
  return (i) => tests.some((test) => test(i));
}

/** @param {string} value */
function isMissing(value) {
  return value === '' || value.toLowerCase() === 'none';
}

/** @param {string} value */
function normalized(value) {
  return value.toLowerCase().replaceAll('-', '_');
}

/** @param {string} text */
function unquoted(text) {
  return text.replaceAll('"', '');
}
