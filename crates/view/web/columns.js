// @ts-check
// Tables with many rows, by column: see "Columns" in docs/api.md.

/**
 * @typedef {object} Column
 * @property {string} name
 * @property {'number' | 'time' | 'category' | 'text'} kind
 * @property {'linear' | 'log'} scale
 * @property {any[]} levels the values of a category; else empty
 * @property {(i: number) => any} at the value of row `i`, or null
 * @property {(i: number) => number} code which level row `i` has; -1 is missing
 */

/**
 * @typedef {object} Columns
 * @property {number} rows
 * @property {string[]} names
 * @property {(name: string) => Column | undefined} column
 * @property {(i: number) => Record<string, any>} row
 */

/** Reads what the API sent. @param {any} json @returns {Columns} */
export function columnsOf(json) {
  /** @type {Map<string, Column>} */
  const all = new Map();
  for (const column of json.columns) all.set(column.name, columnOf(column));
  const names = [...all.keys()];
  return {
    rows: json.rows,
    names,
    column: (name) => all.get(name),
    row: (i) => Object.fromEntries(names.map((name) => [name, all.get(name)?.at(i) ?? null])),
  };
}

/**
 * The JSON of columns with one row put in the place of the row with the same `key`, or before all others if there is none.
 * What the columns do not name is left out.
 * @param {any} json @param {Record<string, any>} row @param {string} [key]
 */
export function withRow(json, row, key = 'id') {
  const keys = columnsOf(json).column(key);
  let place = 0;
  while (place < json.rows && keys?.at(place) !== row[key]) place += 1;
  const fresh = place === json.rows;
  const into = (/** @type {any[]} */ list, /** @type {any} */ value) =>
    fresh ? [value, ...list] : list.map((old, i) => (i === place ? value : old));
  const columns = json.columns.map((/** @type {any} */ column) => {
    const value = row[column.name] ?? null;
    if (column.kind !== 'category') return { ...column, values: into(column.values, value) };
    const text = JSON.stringify(value);
    let code = column.levels.findIndex((/** @type {any} */ level) => JSON.stringify(level) === text);
    const levels = code < 0 && value !== null ? [...column.levels, value] : column.levels;
    if (code < 0 && value !== null) code = levels.length - 1;
    return { ...column, levels, codes: into(column.codes, code) };
  });
  return { ...json, rows: json.rows + (fresh ? 1 : 0), columns };
}

/** The JSON of columns without the row with this `key`. @param {any} json @param {any} value @param {string} [key] */
export function withoutRow(json, value, key = 'id') {
  const keys = columnsOf(json).column(key);
  const place = Array.from({ length: json.rows }, (_, i) => i).find((i) => keys?.at(i) === value);
  if (place === undefined) return json;
  const without = (/** @type {any[]} */ list) => list.toSpliced(place, 1);
  const columns = json.columns.map((/** @type {any} */ column) => (column.kind === 'category' ? { ...column, codes: without(column.codes) } : { ...column, values: without(column.values) }));
  return { ...json, rows: json.rows - 1, columns };
}

/** @param {any} json @returns {Column} */
function columnOf(json) {
  const { name, kind, scale = 'linear' } = json;
  if (kind === 'category') {
    const { levels, codes } = json;
    return { name, kind, scale, levels, at: (i) => levels[codes[i]] ?? null, code: (i) => codes[i] };
  }
  const { values } = json;
  return { name, kind, scale, levels: [], at: (i) => values[i] ?? null, code: () => -1 };
}
