// @ts-check
// The table of runs or trials: a real table of which only the visible rows exist. It follows the selection of its page.

import { clear, h, put } from './dom.js';
import { makeFilter } from './filter.js';
import { duration, number, percent, plain, points, rate, when, words } from './format.js';
import { keys } from './keys.js';
import { pinStyle, symbols, themed } from './palette.js';
import { downFirst, groups, order } from './rows.js';

/**
 * @typedef {object} Table
 * @property {import('./columns.js').Columns} columns
 * @property {string[]} shown the columns, in order
 * @property {ReturnType<typeof import('./selection.js').createSelection>} selection
 * @property {(i: number) => void} [onOpen] Enter on a row
 * @property {(i: number) => string | null} [link] where the first cell leads
 * @property {import('./rows.js').Sort | null} [sort]
 * @property {(sort: import('./rows.js').Sort) => void} [onSort]
 * @property {string} [filter] see filter.js
 * @property {Record<string, any>} [same] values that all rows have and no column shows
 * @property {string | null} [group] the column by which rows are grouped
 * @property {boolean} [pins] whether rows can be pinned
 * @property {string} [label] what the table is of
 * @property {(name: string, value: any, i: number) => import('./dom.js').Child | undefined} [cell] a cell of one's own
 * @property {number} [most] pixels of height at most
 */

const ROW = 34;
const MARGIN = 8;

/**
 * @param {Table} given
 * @returns {HTMLElement & {update: (changed: Partial<Table>) => void, problems: string[], order: () => number[]}}
 */
export function table(given) {
  let now = { pins: true, label: 'rows', most: 560, group: null, filter: '', ...given };
  /** @type {({row: number} | {group: import('./rows.js').Group})[]} */
  let list = [];
  /** @type {Set<string>} */
  const open = new Set();
  let cursor = -1;
  let first = -1;
  let last = -1;
  // Kept here, as asking the element makes the browser lay the page out.
  let top = 0;
  let room = 0;
  let end = () => {};

  const columnWidths = h('colgroup');
  const head = h('tr');
  const body = h('tbody');
  const grid = h('table', { class: 'rows', 'aria-label': now.label }, columnWidths, h('thead', null, head), body);
  /** @type {any} */
  const element = h('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': `Table of ${now.label}`, on: { scroll: () => ((top = element.scrollTop), window_()) } }, grid);

  body.addEventListener('pointerover', (/** @type {any} */ event) => now.selection.setHovered(rowAt(event)));
  body.addEventListener('pointerleave', () => now.selection.setHovered(null));
  body.addEventListener('click', (/** @type {any} */ event) => {
    const line = event.target.closest('tr');
    if (!line?.dataset.at) return;
    const entry = list[Number(line.dataset.at)];
    if ('group' in entry) return fold(entry.group.key);
    if (event.target.closest('.pin')) return pin(entry.row);
    setCursor(Number(line.dataset.at));
  });
  const move = (/** @type {number} */ by) => setCursor(Math.min(Math.max(cursor + by, 0), list.length - 1));
  keys(element, {
    j: () => move(1),
    k: () => move(-1),
    x: () => withRow(pin),
    Enter: () => (cursor < 0 ? false : withRow((i) => now.onOpen?.(i))),
  });
  element.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 }[event.key];
    if (!by || event.target !== element) return;
    event.preventDefault();
    move(by);
  });

  /** @param {(i: number) => void} act */
  function withRow(act) {
    const entry = list[cursor];
    if (!entry) return;
    if ('group' in entry) fold(entry.group.key);
    else act(entry.row);
  }

  /** @param {number} i */
  function pin(i) {
    if (now.pins) now.selection.togglePin(i);
  }

  /** @param {string} key */
  function fold(key) {
    if (!open.delete(key)) open.add(key);
    arrange();
  }

  /** @param {number} at */
  function setCursor(at) {
    cursor = at;
    const place = at * ROW;
    if (place < top) element.scrollTop = top = place;
    else if (place + 2 * ROW > top + room) element.scrollTop = top = place + 2 * ROW - room;
    const entry = list[at];
    now.selection.setHovered(entry && 'row' in entry ? entry.row : null);
    window_(true);
  }

  /** @param {any} event */
  function rowAt(event) {
    const at = event.target.closest('tr')?.dataset.at;
    const entry = at === undefined ? null : list[Number(at)];
    return entry && 'row' in entry ? entry.row : null;
  }

  /** Works out which rows there are, in which order. */
  function arrange() {
    const { columns, selection, sort = null, group } = now;
    const rows = order(columns, selection.mask, sort);
    if (group) {
      list = groups(columns, rows, group).flatMap((each) => [{ group: each }, ...(open.has(each.key) ? each.rows.map((row) => ({ row })) : [])]);
    } else {
      list = Array.from(rows, (row) => ({ row }));
    }
    cursor = Math.min(cursor, list.length - 1);
    room = Math.min((list.length + 1) * ROW + 2, now.most);
    top = Math.max(Math.min(top, list.length * ROW - room), 0);
    element.style.height = `${room}px`;
    grid.setAttribute('aria-rowcount', String(list.length + 1));
    window_(true);
  }

  /** Makes the rows in view. @param {boolean} [again] */
  function window_(again = false) {
    const from = Math.max(Math.floor(top / ROW) - MARGIN, 0);
    const to = Math.min(Math.ceil((top + room) / ROW) + MARGIN, list.length);
    if (!again && from === first && to === last) return;
    [first, last] = [from, to];
    const gap = (/** @type {number} */ n) => (n > 0 ? h('tr', { class: 'gap', 'aria-hidden': 'true' }, h('td', { colspan: now.shown.length + 1, style: { height: `${n * ROW}px` } })) : null);
    put(body, gap(from), list.slice(from, to).map((entry, k) => line(entry, from + k)), gap(list.length - to));
    if (!list.length) put(body, h('tr', null, h('td', { colspan: now.shown.length + 1, class: 'muted' }, 'No row passes the filter.')));
  }

  /** @param {{row: number} | {group: import('./rows.js').Group}} entry @param {number} at */
  function line(entry, at) {
    const props = { 'data-at': at, 'aria-rowindex': at + 2, 'aria-current': at === cursor ? 'true' : null, class: at === cursor ? 'cursor' : '' };
    if ('group' in entry) return groupLine(entry.group, props);
    const { selection } = now;
    const slot = selection.slot(entry.row);
    if (selection.hovered === entry.row) props.class += ' hovered';
    return h('tr', props, pinCell(entry.row, slot), now.shown.map((name, k) => cell(name, entry.row, k)));
  }

  /** @param {number} i @param {number} slot */
  function pinCell(i, slot) {
    if (!now.pins) return h('td');
    const name = plain(now.columns.column(now.shown[0])?.at(i));
    const style = slot < 0 ? {} : { color: pinStyle(slot).color };
    return h('td', { class: 'pins' }, h('button', { class: 'pin', type: 'button', style, 'aria-pressed': slot >= 0, 'aria-label': `Pin ${name}`, title: 'Keep in color (x)' }, slot < 0 ? '○' : MARKS[symbols[slot]]));
  }

  /** @param {string} name @param {number} i @param {number} k */
  function cell(name, i, k) {
    const column = now.columns.column(name);
    const value = column?.at(i) ?? null;
    const own = now.cell?.(name, value, i);
    const text = cellText(name, value);
    const link = k === 0 ? now.link?.(i) : null;
    const inside = own !== undefined ? own : link ? h('a', { href: link }, text) : text;
    return h(k === 0 ? 'th' : 'td', { scope: k === 0 ? 'row' : null, class: isFigure(column) ? 'figure' : '', title: text.length > 18 ? text : null }, inside);
  }

  /** @param {import('./rows.js').Group} group @param {any} props */
  function groupLine(group, props) {
    const shut = open.has(group.key) ? '▾' : '▸';
    const cells = now.shown.map((name, k) => {
      if (k === 0) return h('th', { scope: 'row' }, h('button', { class: 'fold', type: 'button', 'aria-expanded': open.has(group.key) }, `${shut} ${plain(group.value)} · n = ${group.rows.length}`));
      const spread = group.of(name);
      if (!spread) return h('td', null, name === now.group ? plain(group.value) : '');
      const text = `${cellText(name, spread.mean)}${spread.sd === null ? '' : ` ± ${cellText(name, spread.sd).replace(/^\+/, '')}`}`;
      return h('td', { class: 'figure', title: `mean ± standard deviation of ${spread.n}` }, text);
    });
    return h('tr', { ...props, class: `group ${props.class}` }, h('td'), cells);
  }

  /** Gives each column its width. */
  function measure() {
    const { shown } = now;
    const widths = shown.map((name, k) => width(name, k));
    put(columnWidths, h('col', { style: { width: now.pins ? '36px' : '8px' } }), widths.map((ch) => h('col', { style: { width: `${ch}ch` } })));
    grid.style.minWidth = `calc(${widths.reduce((sum, ch) => sum + ch, 0)}ch + 36px)`;
  }

  /** Makes the head of the table. */
  function titles() {
    const { columns, shown, sort } = now;
    const title = (/** @type {string} */ name) => {
      const sorted = sort?.name === name ? (sort.down ? 'descending' : 'ascending') : null;
      const arrow = sorted ? (sort?.down ? ' ↓' : ' ↑') : '';
      return h('th', { scope: 'col', 'aria-sort': sorted, class: isFigure(columns.column(name)) ? 'figure' : '' }, h('button', { type: 'button', title: `Sort by ${words(name)}`, on: { click: () => sortBy(name) } }, words(name) + arrow));
    };
    put(clear(head), h('th', { class: 'pins' }, h('span', { class: 'hidden' }, 'pin')), shown.map(title));
  }

  /** Width of a column, in characters. @param {string} name @param {number} k */
  function width(name, k) {
    const column = now.columns.column(name);
    let most = Math.max(words(name).length + 4, ROOM[name] ?? 0);
    for (let i = 0; i < Math.min(now.columns.rows, 200); i++) most = Math.max(most, cellText(name, column?.at(i) ?? null).length + 4);
    if (now.group && column?.kind === 'number') most = Math.max(most, 19);
    return k === 0 ? Math.min(Math.max(most, 18), innerWidth < 600 ? 22 : 38) : Math.min(most, 24);
  }

  /** @param {string} name */
  function sortBy(name) {
    const down = now.sort?.name === name ? !now.sort.down : downFirst(now.columns.column(name));
    now.sort = { name, down };
    titles();
    arrange();
    now.onSort?.(now.sort);
  }

  function follow() {
    end();
    end = now.selection.subscribe((change) => {
      if (change === 'brush') arrange();
      else if (change === 'pins') window_(true);
      else light();
    });
  }

  /** Marks the hovered row without making rows again. */
  function light() {
    for (const row of body.children) {
      const entry = list[Number(row.dataset.at)];
      row.classList.toggle('hovered', !!entry && 'row' in entry && entry.row === now.selection.hovered);
    }
  }

  themed(element, () => window_(true));
  element.problems = [];
  element.order = () => list.flatMap((entry) => ('row' in entry ? [entry.row] : entry.group.rows));
  element.update = (/** @type {Partial<Table>} */ changed) => {
    now = { ...now, ...changed };
    if (changed.selection) follow();
    if ('filter' in changed || changed.selection) narrow();
    if (changed.columns || changed.shown || 'group' in changed) measure();
    titles();
    arrange();
  };

  /** Gives the filter to the selection, from where all charts have it too. */
  function narrow() {
    const { passes, problems } = makeFilter(now.filter, now.columns, now.same);
    element.problems = problems;
    if (passes || now.filter !== undefined) now.selection.setFilter(passes);
  }

  if (now.filter) narrow();
  follow();
  measure();
  titles();
  arrange();
  return element;
}

/** A value as a cell shows it. @param {string} name @param {any} value @returns {string} */
export function cellText(name, value) {
  if (value === null) return '–';
  if (name === 'gap') return points(value);
  if (name.endsWith('accuracy')) return percent(value, 2);
  if (name.endsWith('_ms')) return when(value);
  if (name === 'seconds') return duration(value);
  if (name === 'metric' || name === 'best_so_far') return number(value);
  if (name === 'learning_rate' && typeof value === 'number') return rate(value);
  if (typeof value === 'number' && name.endsWith('loss')) return value.toFixed(4);
  return plain(value);
}

/** Columns whose cells are wider than their values, in characters. @type {Record<string, number>} */
const ROOM = { status: 15, started_ms: 13, tags: 14 };

/** @type {Record<string, string>} */
const MARKS = { circle: '●', square: '■', diamond: '◆', 'triangle-up': '▲', cross: '✚', x: '✖', star: '★', 'triangle-down': '▼' };

/** @param {import('./columns.js').Column | undefined} column */
function isFigure(column) {
  return column?.kind === 'number' || column?.kind === 'time' || (column?.kind === 'category' && column.levels.every((level) => typeof level === 'number'));
}
