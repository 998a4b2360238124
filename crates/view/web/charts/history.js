// @ts-check
// Two small charts of runs as dots: accuracy against when they were made, with the best so far; and against training accuracy.

import { RUNS, improvements } from '../best.js';
import { chart } from '../chart.js';
import { SHARES, count, duration, percent, plural, when } from '../format.js';
import { choice } from '../page.js';
import { pinStyle, token } from '../palette.js';
import { setParam } from '../state.js';
import { settled } from '../time.js';
import { context, thin } from './series.js';

/** More dots than this are thinned out where they lie upon each other. */
const MANY = 1500;

/**
 * Accuracy against time, and the best so far.
 * @param {Record<string, string>} params
 */
export function history(params) {
  let across = params.time === 'compute' ? 'compute' : 'created';
  /** @type {Map<number, number>} */
  let spent = new Map();
  /** @type {{i: number, value: number}[]} */
  let steps = [];
  const tools = [choice('by', [['created', 'created'], ['compute', 'compute time']], across, (value) => {
    across = value;
    setParam('time', value === 'created' ? null : value);
    dots.arrange();
  })];

  const x = (/** @type {number} */ i) => (across === 'created' ? dots.columns.column('started_ms').at(i) : spent.get(i) ?? null);
  const shown = (/** @type {number} */ i) => (across === 'created' ? when(x(i)) : duration(x(i)));

  const dots = scatter({
    title: 'Best so far',
    tools,
    x,
    y: (i) => dots.columns.column('val_accuracy').at(i),
    say: (i) => `${shown(i)}: ${percent(dots.columns.column('val_accuracy').at(i), 2)}`,
    prepare(rows) {
      const started = dots.columns.column('started_ms');
      rows.sort((a, b) => (started.at(a) ?? 0) - (started.at(b) ?? 0));
      let sum = 0;
      spent = new Map();
      for (const i of rows) {
        sum += dots.columns.column('seconds')?.at(i) ?? 0;
        spent.set(i, sum);
      }
      const accuracy = (/** @type {number} */ i) => dots.columns.column('val_accuracy').at(i);
      const cost = (/** @type {number} */ i) => (accuracy(i) === null ? null : -accuracy(i));
      steps = improvements(rows, (i) => dots.columns.column('status').at(i), cost, RUNS).map((i) => ({ i, value: accuracy(i) }));
    },
    extra(rows) {
      if (!steps.length) return [];
      const last = rows[rows.length - 1];
      const place = (/** @type {number} */ i) => (across === 'created' ? new Date(x(i)) : x(i));
      return [{ x: [...steps.map(({ i }) => place(i)), place(last)], y: [...steps.map(({ value }) => value), steps[steps.length - 1].value], type: 'scatter', mode: 'lines', line: { shape: 'hv', color: token('--accent'), width: 1.5 }, name: 'best so far', hoverinfo: 'skip' }];
    },
    date: () => across === 'created',
    layout: () => ({ xaxis: { title: across === 'created' ? 'created' : 'seconds of compute', type: across === 'created' ? 'date' : 'linear' }, yaxis: { title: 'val accuracy', tickformat: SHARES }, uirevision: across }),
    caption(rows, drawn) {
      if (!steps.length) return 'No run has a validation accuracy yet.';
      const { i, value } = steps[steps.length - 1];
      const gain = steps.length > 1 ? `; it was raised ${plural(steps.length - 1, 'time')} from ${percent(steps[0].value, 1)}` : '';
      return `The best of ${plural(rows.length, 'run')} is ${percent(value, 2)}, made ${when(dots.columns.column('started_ms').at(i))}${gain}.${mixed(dots.columns, rows)}${thinned(rows, drawn)}`;
    },
    table: (rows) => ({ head: ['run', 'created', 'val accuracy', 'best so far'], rows: rows.map((i) => [dots.nameOf(i), when(dots.columns.column('started_ms').at(i)), percent(dots.columns.column('val_accuracy').at(i), 2), percent(steps.findLast((step) => Number(spent.get(step.i)) <= Number(spent.get(i)))?.value, 2)]) }),
  });
  return dots;
}

/** Training against validation accuracy: the distance from the diagonal is what was learned by heart. */
export function gaps() {
  const dots = scatter({
    title: 'Train against validation',
    x: (i) => dots.columns.column('train_accuracy').at(i),
    y: (i) => dots.columns.column('val_accuracy').at(i),
    say: (i) => `train ${percent(dots.columns.column('train_accuracy').at(i), 2)}, validation ${percent(dots.columns.column('val_accuracy').at(i), 2)}`,
    extra(rows) {
      if (!rows.length) return [];
      const values = rows.map((i) => dots.columns.column('train_accuracy').at(i));
      const ends = [Math.min(...values), Math.max(...values)];
      return [{ x: ends, y: ends, type: 'scatter', mode: 'lines', line: { color: token('--edge'), width: 1, dash: 'dot' }, hoverinfo: 'skip', name: 'no gap' }];
    },
    layout: () => ({ xaxis: { title: 'train accuracy', tickformat: SHARES }, yaxis: { title: 'val accuracy', tickformat: SHARES } }),
    caption(rows, drawn) {
      if (!rows.length) return 'No run has both accuracies yet.';
      const gap = (/** @type {number} */ i) => dots.columns.column('train_accuracy').at(i) - dots.columns.column('val_accuracy').at(i);
      const most = rows.reduce((a, b) => (gap(b) > gap(a) ? b : a));
      const over = rows.filter((i) => gap(i) > 0.03).length;
      return `Below the dotted line, training accuracy exceeds validation accuracy (overfitting): by more than 3 points in ${count(over)} of ${plural(rows.length, 'run')}. The largest gap is ${(gap(most) * 100).toFixed(1)} points.${thinned(rows, drawn)}`;
    },
    table: (rows) => ({ head: ['run', 'train accuracy', 'val accuracy'], rows: rows.map((i) => [dots.nameOf(i), percent(dots.columns.column('train_accuracy').at(i), 2), percent(dots.columns.column('val_accuracy').at(i), 2)]) }),
  });
  return dots;
}

/** Accuracies on different data cannot be compared. @param {any} columns @param {number[]} rows */
function mixed(columns, rows) {
  const sets = new Set(rows.map((i) => columns.column('dataset')?.at(i)));
  return sets.size > 1 ? ` These are ${sets.size} data sets: filter dataset=${[...sets][0]} to compare like with like.` : '';
}

/** @param {number[]} rows @param {number[]} drawn */
function thinned(rows, drawn) {
  return drawn.length < rows.length ? ' Dots that would hide each other are drawn once.' : '';
}

/**
 * Runs as dots.
 * @param {{title: string, tools?: any[], x: (i: number) => any, y: (i: number) => any, say: (i: number) => string, prepare?: (rows: number[]) => void, extra: (rows: number[]) => any[], date?: () => boolean, layout: () => any, caption: (rows: number[], drawn: number[]) => string, table: (rows: number[]) => any}} what
 */
function scatter(what) {
  /** @type {any} */
  let selection = null;
  let end = () => {};
  /** @type {number[]} */
  let rows = [];
  /** @type {number[]} */
  let drawn = [];
  const figure = chart({ title: what.title, tools: what.tools, traces: () => traces(), layout: {}, caption: '', table: () => what.table(rows), height: 220, over: () => over(), onPoint: ({ custom }) => typeof custom === 'number' && selection.togglePin(custom), onHover: (point) => hover(point) });

  const self = {
    element: figure,
    /** @type {any} */
    columns: null,
    nameOf: (/** @type {number} */ i) => self.columns.column('name').at(i) || self.columns.column('id').at(i),
    /** Shows these runs. @param {any} columns @param {any} next */
    follow(columns, next) {
      end();
      self.columns = columns;
      selection = next;
      end = selection.subscribe((/** @type {string} */ change) => {
        if (change === 'brush') lazily();
        else if (change === 'pins') figure.update({});
        else figure.lift();
      });
      self.arrange();
    },
    /** Works out what is drawn. */
    arrange() {
      rows = [];
      for (let i = 0; i < self.columns.rows; i++) if (selection.mask[i] && what.y(i) !== null) rows.push(i);
      what.prepare?.(rows);
      rows = rows.filter((i) => what.x(i) !== null);
      drawn = rows.length > MANY ? thin(rows, what.x, what.y) : rows;
      figure.update({ caption: what.caption(rows, drawn), layout: what.layout() });
    },
  };
  const lazily = settled(() => self.arrange(), 120);

  function traces() {
    if (!selection) return [];
    const trace = (/** @type {number[]} */ some, /** @type {any} */ marker, name = '') => ({ x: some.map(place), y: some.map(what.y), customdata: some, text: some.map((i) => `${self.nameOf(i)}<br>${what.say(i)}`), hovertemplate: '%{text}<extra></extra>', type: 'scatter', mode: 'markers', marker, name });
    const list = [trace(drawn.filter((i) => selection.slot(i) < 0), { color: context(), size: 5, opacity: 0.85 }, 'other runs'), ...what.extra(rows)];
    for (const i of selection.pins) {
      const { color, symbol } = pinStyle(selection.slot(i));
      if (what.y(i) !== null) list.push(trace([i], { color, symbol, size: 10, line: { color: token('--ground'), width: 1 } }, self.nameOf(i)));
    }
    return list;
  }

  /** The ring around the run under the pointer. */
  function over() {
    const i = selection?.hovered ?? null;
    if (i === null || what.y(i) === null || what.x(i) === null) return null;
    return { x: [place(i)], y: [what.y(i)] };
  }

  /** @param {number} i */
  function place(i) {
    return what.date?.() ? new Date(what.x(i)) : what.x(i);
  }

  /** @param {import('../chart.js').Point | null} point */
  function hover(point) {
    selection.setHovered(typeof point?.custom === 'number' ? point.custom : null);
  }
  return self;
}
