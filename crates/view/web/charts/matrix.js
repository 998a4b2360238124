// @ts-check
// The confusion matrix, three ways in one table: as pictures (the mean image of each mistake, its area by its count), as counts, as shares.
import { h, svg } from '../dom.js';
import { count, percent } from '../format.js';
import { diverging, ink } from '../palette.js';
import { breakable, sheetStyle, tile } from './examples.js';

/** @typedef {'pictures'|'counts'|'percent'} Mode */

/** More classes than this are too many to read: those with the most errors are shown. */
const MOST = 24;
/** Pixels of a cell, and errors from which on a cell has a picture. */
const [CELL, FACE] = [54, 5];

/** The classes that are shown, in the order in which look-alikes are neighbors. @param {{order: number[], confusion: number[][]}} data @returns {number[]} */
export function shownClasses({ order, confusion }) {
  if (order.length <= MOST) return order;
  const errors = order.map((c) => confusion[c].reduce((sum, n, j) => sum + (j === c ? 0 : n + confusion[j][c]), 0));
  const edge = [...errors].sort((a, b) => b - a)[MOST - 1];
  return order.filter((_, i) => errors[i] >= edge).slice(0, MOST);
}

/** The side of a picture whose area grows with its count, in whole pixels. @param {number} n @param {number} most @param {number} room */
export function side(n, most, room) {
  return Math.max(8, Math.round(room * Math.sqrt(n / most)));
}

/** Text of a cell for screen readers. @param {any} data @param {number} t @param {number} p */
export function cellText({ classes, confusion, recall }, t, p) {
  const n = confusion[t][p];
  const all = confusion[t].reduce((/** @type {number} */ sum, /** @type {number} */ x) => sum + x, 0);
  if (t === p) return `${classes[t]}: ${count(n)} of ${count(all)} right, recall ${percent(recall[t])}`;
  return n ? `${count(n)} ${classes[t]} called ${classes[p]}, ${percent(n / all)} of them` : `No ${classes[t]} called ${classes[p]}`;
}

/**
 * @param {any} data the API's answer
 * @param {Mode} mode
 * @param {(t: number, p: number, cell: HTMLElement) => void} onCell
 */
export function confusionTable(data, mode, onCell) {
  const { classes, confusion, recall, precision, faces } = data;
  const shown = shownClasses(data);
  const most = Math.max(1, ...confusion.flatMap((/** @type {number[]} */ row, /** @type {number} */ t) => row.filter((_, p) => p !== t)));
  const sums = confusion.map((/** @type {number[]} */ row) => row.reduce((sum, n) => sum + n, 0));

  const picture = (/** @type {number} */ t, /** @type {number} */ p) => {
    const n = confusion[t][p];
    const face = faces?.index?.[t]?.[p] ?? -1;
    if (t === p) {
      const around = 2 * Math.PI * 23;
      return [svg('svg', { class: 'ring', viewBox: '0 0 54 54', 'aria-hidden': 'true' },
        svg('circle', { class: 'track', cx: 27, cy: 27, r: 23 }),
        svg('circle', { class: 'recall', cx: 27, cy: 27, r: 23, 'stroke-dasharray': `${around * (recall[t] ?? 0)} ${around}`, transform: 'rotate(-90 27 27)' })),
      face >= 0 ? tile(faces.sheet, face, 24) : null];
    }
    if (!n) return null;
    if (n < FACE || face < 0) return h('span', { class: 'few', 'aria-hidden': 'true' }, n < FACE ? '•' : count(n));
    const wide = side(n, most, CELL - 6);
    const framed = h('span', { class: 'face', style: { 'border-width': `${(1 + 2 * (n / most)).toFixed(1)}px` } }, tile(faces.sheet, face, wide));
    return [framed, h('span', { class: 'n' }, count(n))];
  };
  const classic = (/** @type {number} */ t, /** @type {number} */ p) => {
    const share = sums[t] ? confusion[t][p] / sums[t] : 0;
    if (mode === 'counts') return confusion[t][p] ? count(confusion[t][p]) : '0';
    return confusion[t][p] ? percent(share, share < 0.1 ? 1 : 0) : '0%';
  };
  const ground = (/** @type {number} */ t, /** @type {number} */ p) => {
    if (mode === 'pictures') return {};
    const share = sums[t] ? confusion[t][p] / sums[t] : 0;
    // Mistakes are few beside what is right: their colors are those of a root, or all would be white.
    const color = diverging(t === p ? -share : Math.min(1, Math.sqrt(share * 2)));
    return { background: color, color: ink(color) };
  };

  const cells = /** @type {HTMLElement[][]} */ (shown.map((t, i) => shown.map((p, j) => h('td', {
    class: t === p ? 'right' : confusion[t][p] ? 'wrong' : 'empty',
    tabindex: i === 0 && j === 0 ? '0' : '-1',
    'aria-label': cellText(data, t, p),
    title: cellText(data, t, p),
    style: ground(t, p),
    dataset: { cell: `${t}-${p}` },
    on: { click: (/** @type {Event} */ event) => onCell(t, p, /** @type {HTMLElement} */ (event.currentTarget)) },
  }, mode === 'pictures' ? picture(t, p) : classic(t, p)))));

  const walk = (/** @type {KeyboardEvent} */ event) => {
    const at = cells.flatMap((row, i) => row.map((cell, j) => ({ cell, i, j }))).find(({ cell }) => cell === event.target);
    if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = shown.length - 1;
    const to = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [at.i - 1, at.j], ArrowDown: [at.i + 1, at.j], ArrowLeft: [at.i, at.j - 1], ArrowRight: [at.i, at.j + 1], Home: [at.i, 0], End: [at.i, last] })[event.key];
    if (to) {
      const next = cells[Math.min(last, Math.max(0, to[0]))][Math.min(last, Math.max(0, to[1]))];
      for (const { cell } of [at, { cell: next }]) cell.setAttribute('tabindex', cell === next ? '0' : '-1');
      next.focus();
    } else if (event.key === 'Enter' || event.key === ' ') onCell(shown[at.i], shown[at.j], at.cell);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return h('div', { class: 'scroll-x' },
    h('table', { class: `confusion ${mode}`, role: 'grid', 'aria-label': 'Confusion matrix: true classes down, predicted across', style: faces ? sheetStyle(faces.sheet) : {}, on: { keydown: walk } },
      h('thead', {},
        h('tr', {}, h('td', {}), h('th', { class: 'over', colspan: shown.length, scope: 'colgroup' }, 'predicted'), h('td', {})),
        h('tr', {}, h('td', {}), shown.map((p) => h('th', { scope: 'col' }, h('span', {}, breakable(classes[p])))), h('th', { scope: 'col', class: 'edge' }, 'recall'))),
      h('tbody', {}, shown.map((t, i) => h('tr', {}, h('th', { scope: 'row' }, classes[t]), cells[i], h('td', { class: 'edge' }, percent(recall[t], 0))))),
      h('tfoot', {}, h('tr', {}, h('th', { scope: 'row', class: 'edge' }, 'precision'), shown.map((p) => h('td', { class: 'edge' }, percent(precision[p], 0))), h('td', {})))));
}
