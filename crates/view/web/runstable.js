// @ts-check
// The table of runs with its filter, its groups and its columns; all of its state stands in the address.

import { h, put } from './dom.js';
import { ago, count, csvLine, plain, words } from './format.js';
import { keys } from './keys.js';
import { tagList } from './labels.js';
import { announce, choice } from './page.js';
import { go, href, setParam } from './state.js';
import { table } from './table.js';
import { settled } from './time.js';

/** Columns that come before the settings, in this order. */
const LEADING = ['name', 'val_accuracy', 'val_loss', 'gap', 'seconds', 'status'];
/** Columns that come after them. */
const TRAILING = ['started_ms', 'tags'];
/** Columns that are there to be asked for. */
const ASIDE = ['id', 'sweep', 'group', 'notes', 'dataset', 'epochs', 'planned', 'best_epoch', 'train_accuracy', 'train_loss', 'test_accuracy', 'seed'];
/** Columns that are never said to be the same for all. */
const OWN = new Set(['id', 'name', 'val_accuracy', 'status', 'started_ms', 'planned', 'epochs']);

/**
 * @param {Record<string, string>} params
 * @param {{edit: ((i: number) => void) | null, nowMs: number}} options
 */
export function runsTable(params, { edit, nowMs }) {
  /** @type {any} */
  let columns = null;
  /** @type {any} */
  let selection = null;
  /** @type {any} */
  let list = null;
  /** @type {Record<string, any>} */
  let same = {};
  let end = () => {};
  let group = params.group || null;
  const [sortName, sortWay] = (params.sort ?? '').split(':');
  /** @type {import('./rows.js').Sort | null} */
  let sort = sortName ? { name: sortName, down: sortWay !== 'up' } : null;
  const asked = new Set((params.cols ?? '').split(',').filter(Boolean));

  const problem = h('span', { class: 'muted small', role: 'status' });
  const counted = h('span', { class: 'muted small', role: 'status' });
  const narrow = settled(() => {
    setParam('filter', input.value.trim() || null);
    list.update({ filter: input.value });
    put(problem, list.problems.length ? `${list.problems.join('; ')}.` : '');
  }, 80);
  const input = h('input', { type: 'search', placeholder: 'filter: val_accuracy>0.87 optimizer=adam,nadam text', 'aria-label': 'Filter runs', value: params.filter ?? '', spellcheck: 'false', autocomplete: 'off', on: { input: narrow } });
  const sameLine = h('p', { class: 'same' });
  const grouping = h('span');
  const showing = h('details', { class: 'menu' });
  const place = h('div');
  const compare = h('button', { type: 'button', disabled: true, title: 'Compare the two that were pinned first (c)', on: { click: () => comparePins() } }, 'Compare pinned');
  const csv = h('button', { type: 'button', class: 'quiet', title: 'Save what is shown', on: { click: () => saveCsv() } }, 'CSV');
  const section = h(
    'section',
    { class: 'card', 'aria-label': 'Runs' },
    h('div', { class: 'bar' }, h('h2', null, 'Runs'), counted, compare, csv),
    h('div', { class: 'bar' }, h('div', { class: 'filter' }, input), grouping, showing),
    problem,
    sameLine,
    place,
  );

  keys(section, {
    '/': () => input.focus(),
    Escape: () => {
      if (document.activeElement !== input && !input.value) return false;
      input.value = '';
      input.blur();
      narrow();
    },
    c: () => comparePins(),
    '.': () => setFilter(`val_accuracy>=${bestTenth()}`),
    e: () => (edit && selection.hovered !== null ? edit(selection.hovered) : false),
  });

  /** @param {string} text */
  function setFilter(text) {
    input.value = text;
    narrow();
    announce(`filter: ${text}`);
  }

  /** The accuracy that a tenth of the runs reach. */
  function bestTenth() {
    const values = [];
    for (let i = 0; i < columns.rows; i++) values.push(columns.column('val_accuracy').at(i) ?? -1);
    values.sort((a, b) => b - a);
    return values[Math.max(Math.floor(values.length / 10) - 1, 0)].toFixed(4);
  }

  function comparePins() {
    const [a, b] = selection.pins;
    if (b === undefined) return announce('pin two runs first');
    go(href('compare', columns.column('id').at(a), columns.column('id').at(b)));
  }

  /** The names of columns in the order of the table, and what all shown rows have in common. */
  function layOut() {
    const settings = columns.names.filter((/** @type {string} */ name) => ![...LEADING, ...TRAILING].includes(name) && !ASIDE.includes(name));
    const shown = [];
    const common = { ...same };
    for (const name of [...LEADING, ...settings, ...TRAILING, ...ASIDE]) {
      const column = columns.column(name);
      if (!column) continue;
      const alike = OWN.has(name) ? undefined : alikeIn(column);
      const setting = settings.includes(name) || name === 'dataset' || name === 'seed';
      if (alike !== undefined && setting && name !== group && selection.count > 1) common[name] = alike;
      else if (asked.has(`-${name}`)) continue;
      else if (asked.has(name) || name === group || !(ASIDE.includes(name) || (alike !== undefined && !setting && (alike === null || alike === '')))) shown.push(name);
    }
    const pairs = Object.entries(common).filter(([, value]) => value !== null);
    const what = pairs.map(([name, value]) => h('span', null, `${words(name)} `, h('b', null, plain(value))));
    put(sameLine, pairs.length ? ['The same in all:', what] : null);
    return edit ? [...shown, 'edit'] : shown;
  }

  /** The one value that all passing rows have, or undefined. @param {any} column */
  function alikeIn(column) {
    let value;
    let text;
    for (let i = 0; i < columns.rows; i++) {
      if (!selection.mask[i]) continue;
      const now = column.at(i);
      if (text === undefined) [value, text] = [now, JSON.stringify(now)];
      else if (now !== value && JSON.stringify(now) !== text) return undefined;
    }
    return value;
  }

  function controls() {
    const by = columns.names.filter((/** @type {string} */ name) => columns.column(name).kind === 'category' || name === 'sweep' || name === 'group');
    put(grouping, choice('group by', [['', 'nothing'], ...by.map((/** @type {string} */ name) => /** @type {[string, string]} */ ([name, words(name)]))], group ?? '', (value) => {
      group = value || null;
      setParam('group', group);
      list.update({ group, shown: layOut() });
    }));
    const box = (/** @type {string} */ name) => {
      const aside = ASIDE.includes(name);
      const on = aside ? asked.has(name) : !asked.has(`-${name}`);
      const tick = h('input', { type: 'checkbox', checked: on, on: { change: () => show(aside ? name : `-${name}`, aside ? tick.checked : !tick.checked) } });
      return h('label', null, tick, words(name));
    };
    put(showing, h('summary', null, 'columns'), h('div', null, columns.names.filter((/** @type {string} */ name) => name !== 'name').map(box)));
  }

  /** @param {string} name @param {boolean} on */
  function show(name, on) {
    if (on) asked.add(name);
    else asked.delete(name);
    setParam('cols', [...asked].join(',') || null);
    list.update({ shown: layOut() });
  }

  /** @param {string} name @param {any} value @param {number} i */
  function cell(name, value, i) {
    if (name === 'status') return h('span', { class: `state ${value}` }, value === 'running' ? `running ${columns.column('epochs').at(i) ?? 0}/${columns.column('planned').at(i) ?? '?'}` : value);
    if (name === 'name') return h('a', { href: href('run', columns.column('id').at(i)) }, value || columns.column('id').at(i));
    if (name === 'started_ms') return ago(value, nowMs);
    if (name === 'sweep' && value) return h('a', { href: href('sweep', value) }, value);
    if (name === 'tags') return tagList(String(value ?? '').split(' ').filter(Boolean));
    if (name === 'edit') return h('button', { type: 'button', class: 'quiet', 'aria-label': `Edit name, tags and notes of ${columns.column('name').at(i)}`, on: { click: () => edit?.(i) } }, 'edit');
    return undefined;
  }

  function saveCsv() {
    const lines = list.order().map((/** @type {number} */ i) => csvLine(columns.names.map((/** @type {string} */ name) => columns.column(name).at(i))));
    const address = URL.createObjectURL(new Blob([[csvLine(columns.names), ...lines].join('\n')], { type: 'text/csv' }));
    h('a', { href: address, download: 'runs.csv' }).click();
    URL.revokeObjectURL(address);
  }

  function say() {
    put(counted, selection.count === columns.rows ? `${count(columns.rows)} runs` : `${count(columns.rows)} runs, ${count(selection.count)} shown`);
    compare.disabled = selection.pins.length < 2;
  }

  const lazily = settled(() => list.update({ shown: layOut() }), 60);
  return {
    element: section,
    /** Shows these runs. @param {any} nextColumns @param {any} next @param {Record<string, any>} nextSame */
    follow(nextColumns, next, nextSame) {
      end();
      const fresh = !columns || nextColumns.names.join() !== columns.names.join();
      [columns, selection, same] = [nextColumns, next, nextSame];
      if (fresh && columns.names.length) controls();
      const given = { columns, selection, filter: input.value, same, group, sort };
      if (list) list.update({ ...given, shown: layOut() });
      else {
        list = table({ ...given, shown: ['name'], label: 'runs', cell, onOpen: (i) => go(href('run', columns.column('id').at(i))), onSort: (way) => setParam('sort', `${(sort = way).name}:${way.down ? 'down' : 'up'}`) });
        list.update({ shown: layOut() });
        put(place, list);
      }
      end = selection.subscribe((/** @type {string} */ change) => {
        if (change === 'hover') return;
        say();
        if (change === 'brush') lazily();
      });
      say();
    },
  };
}
