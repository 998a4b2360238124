// @ts-check
// The correlation matrix: every parameter against every other and the metric, categories one by one, as a table with numbers in it.
import { h } from '../dom.js';
import { diverging, ink } from '../palette.js';
import { signed } from './importance.js';

/** The strongest correlation of the metric, in words. @param {string[]} names @param {(number|null)[][]} values @param {string} metric */
export function strongest(names, values, metric) {
  const row = values[names.indexOf(metric)] ?? [];
  const others = row.map((r, j) => ({ r: r ?? 0, name: names[j] })).filter(({ name }) => name !== metric).sort((a, b) => Math.abs(b.r) - Math.abs(a.r));
  if (!others.length || others[0].r === 0) return `Nothing goes along with ${metric}.`;
  const more = others[0].r > 0 ? 'rises' : 'falls';
  const strength = Math.abs(others[0].r) > 0.7 ? 'strongly' : Math.abs(others[0].r) > 0.3 ? 'moderately' : 'weakly';
  return `${metric} ${more} ${strength} with ${others[0].name} (${signed(others[0].r)}). Correlation sees straight lines only.`;
}

/** A correlation as a small cell has room for it: `.42`, `−1`. @param {number} r */
const short = (r) => signed(r).replace('+', '').replace('1.00', '1').replace('0.', '.').replace('.00', '0');

/** @param {{names: string[], values: (number|null)[][]}} matrix @param {string} metric */
export function correlationTable({ names, values }, metric) {
  // The metric first: it is what the others are read against.
  const order = names.map((_, i) => i).sort((a, b) => Number(names[b] === metric) - Number(names[a] === metric));
  const cell = (/** @type {number|null} */ r, /** @type {number} */ i, /** @type {number} */ j) => {
    if (r === null) return h('td', { class: 'none' }, '–');
    if (i === j) return h('td', { class: 'self' }, '1');
    const ground = diverging(r);
    return h('td', { title: `${names[i]} and ${names[j]}: ${signed(r)}`, style: { background: ground, color: ink(ground) } }, short(r));
  };
  return h('figure', { class: 'chart' },
    h('div', { class: 'scroll-x', tabindex: '0', role: 'region', 'aria-label': 'Table of correlations' },
      h('table', { class: 'correlations' },
        h('thead', {}, h('tr', {}, h('td', {}), order.map((j) => h('th', { scope: 'col', class: names[j] === metric ? 'metric' : '' }, h('span', {}, names[j]))))),
        h('tbody', {}, order.map((i) => h('tr', {}, h('th', { scope: 'row', class: names[i] === metric ? 'metric' : '' }, names[i]), order.map((j) => cell(values[i][j], i, j))))))),
    h('figcaption', {}, strongest(names, values, metric)));
}
