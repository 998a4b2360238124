// @ts-check
// Slices: one small scatter for each parameter against the metric, in one grid, all following the page's selection.
import { h } from '../dom.js';
import { count, number, plain } from '../format.js';
import { onTheme } from '../palette.js';
import { plainTable } from '../page.js';
import { asTable } from './astable.js';
import { axisOf, at, key, keys, skewed } from './axes.js';
import { dots } from './dots.js';

/** They follow a drag once it rests. */
const LATER_MS = 150;

/** @param {number[]} values ascending */
const median = (values) => values[values.length >> 1];

/**
 * What a slice shows, in words: the slot of the highest median, or where the best tenth lies.
 * @param {import('./axes.js').Axis} axis @param {any} column @param {any} metric @param {number} rows @param {boolean} maximize @param {(x: number) => string} said
 */
export function sliceText(axis, column, metric, rows, maximize, said) {
  const pairs = [];
  for (let i = 0; i < rows; i++) if (metric.at(i) !== null && column.at(i) !== null) pairs.push([column.at(i), metric.at(i)]);
  if (pairs.length < 4) return 'Too few trials to say anything.';
  const better = (/** @type {number} */ a, /** @type {number} */ b) => (maximize ? b - a : a - b);
  if (!axis.steps) {
    const tenth = pairs.sort((a, b) => better(a[1], b[1])).slice(0, Math.max(3, Math.round(pairs.length / 10))).map(([value]) => value).sort((a, b) => a - b);
    const [low, high] = [number(tenth[0]), number(tenth[tenth.length - 1])];
    return low === high ? `The best tenth all have ${low}.` : `The best tenth has ${low} to ${high}.`;
  }
  const slots = medians(pairs);
  if (slots.length < 2) return 'One value only.';
  slots.sort((a, b) => better(a.median, b.median));
  return `${plain(slots[0].value)} has the best median, ${said(slots[0].median)} (${count(slots[0].rows)} trials); ${plain(slots[slots.length - 1].value)} the worst, ${said(slots[slots.length - 1].median)}.`;
}

/** The median of each value. @param {any[][]} pairs */
function medians(pairs) {
  const [slots, keyOf] = [new Map(), keys()];
  for (const [value, y] of pairs) {
    const name = keyOf(value);
    if (!slots.has(name)) slots.set(name, { value, all: [] });
    slots.get(name).all.push(y);
  }
  return [...slots.values()].map(({ value, all }) => ({ value, rows: all.length, median: median(all.sort((/** @type {number} */ a, /** @type {number} */ b) => a - b)) }));
}

/**
 * @param {object} options
 * @param {any} options.columns
 * @param {string[]} options.names parameters
 * @param {string} options.metric
 * @param {boolean} options.maximize
 * @param {any} options.selection
 * @param {(name: string) => string} options.absent
 * @param {(x: number) => string} options.said a value of the metric
 */
export function slices({ columns, names, metric, maximize, selection, absent, said }) {
  const rows = columns.rows;
  const target = columns.column(metric);
  const status = columns.column('status');
  const isSkewed = skewed(target, rows, maximize);
  const y = axisOf(target, rows, { name: metric, scale: isSkewed ? 'rank' : 'linear', absent: absent(metric), text: said });
  // Rows of one slot lie side by side, the same way each time; the golden ratio leaves no pattern.
  const spread = Float32Array.from({ length: rows }, (_, i) => (i * 0.618034) % 1);
  const charts = names.map((name) => {
    const column = columns.column(name);
    const x = axisOf(column, rows, { name, order: spread, absent: absent(name) });
    const pairs = [];
    for (let i = 0; i < rows; i++) if (target.at(i) !== null && column.at(i) !== null) pairs.push([column.at(i), target.at(i)]);
    const wide = (0.7 * (1 - x.floor)) / Math.max(1, x.values.length);
    const bars = x.steps ? medians(pairs).map((slot) => ({ place: at(x, slot.value), wide, level: at(y, slot.median) })) : [];
    const chart = dots({ height: 150, onHover: (row) => row === (selection.hovered ?? null) || selection.setHovered(row), onClick: (row) => selection.togglePin(row) });
    return { name, x, bars, chart, text: sliceText(x, column, target, rows, maximize, said) };
  });
  const details = asTable(() => plainTable(['parameter', 'value', 'trials', `median ${metric}`, 'best'], charts.flatMap(({ name, x }) => {
    const column = columns.column(name);
    // A line in quarters of its trials, slots one by one.
    const all = Array.from({ length: rows }, (_, i) => i).filter((i) => target.at(i) !== null && column.at(i) !== null);
    if (!x.steps) all.sort((a, b) => column.at(a) - column.at(b));
    const parts = x.steps ? x.values.map((value) => all.filter((i) => key(column.at(i)) === key(value))) : [0, 1, 2, 3].map((q) => all.slice((q * all.length) / 4, ((q + 1) * all.length) / 4));
    return parts.filter((part) => part.length).map((part) => {
      const sorted = part.map((i) => target.at(i)).sort((a, b) => a - b);
      const value = x.steps ? plain(column.at(part[0])) : `${number(column.at(part[0]))} to ${number(column.at(part[part.length - 1]))}`;
      return [name, value, count(part.length), said(median(sorted)), said(sorted[maximize ? sorted.length - 1 : 0])];
    });
  })));
  const note = isSkewed ? h('p', { class: 'small muted' }, 'Height is the rank: on an even scale, a few bad trials would press all others together.') : null;
  const element = h('div', {}, note, h('div', { class: 'slices' }, charts.map(({ name, x, chart, text }) => h('figure', { class: 'chart slice' }, h('h3', {}, name, x.steps || x.scale === 'linear' ? null : h('span', { class: 'muted' }, ` ${x.scale}`)), chart.element, h('figcaption', {}, text)))), details);

  let waiting = 0;
  const draw = () => {
    waiting = 0;
    for (const { x, bars, chart } of charts) {
      chart.show({ x, y, bars, mask: selection.mask, pins: selection.pins, slot: selection.slot, hovered: selection.hovered, hollow: (i) => status?.at(i) === 'pruned', crossed: (i) => ['failed', 'diverged'].includes(status?.at(i)) });
    }
  };
  const soon = (/** @type {string} */ change) => {
    if (change === 'hover') return charts.forEach(({ chart }) => chart.light(selection.hovered));
    clearTimeout(waiting);
    waiting = window.setTimeout(draw, LATER_MS);
  };
  draw();
  const stops = [selection.subscribe(soon), onTheme(draw)];
  return { element, stop: () => stops.concat(charts.map(({ chart }) => chart.stop)).forEach((stop) => stop?.()) };
}
