// @ts-check
// The pair ledger: which way does each confusion run? One line for each pair of classes, mirrored bars, and faces of the mistakes.
import { h } from '../dom.js';
import { count } from '../format.js';
import { sheetStyle, tile } from './examples.js';

/** Pairs that are listed, and images at each end of a line. */
const [PAIRS, IMAGES] = [8, 5];

/** @typedef {{a: number, b: number, ab: number, ba: number, one_way: boolean}} Pair */

/** Sentence on the most confused pairs. @param {Pair[]} pairs @param {string[]} classes */
export function ledgerText(pairs, classes) {
  if (!pairs.length) return 'No class is taken for another.';
  const one = pairs.find(({ one_way }) => one_way);
  const said = (/** @type {Pair} */ { a, b, ab, ba }) => (ab >= ba ? `${classes[a]} is called ${classes[b]} ${count(ab)} times, and ${count(ba)} times the other way` : `${classes[b]} is called ${classes[a]} ${count(ba)} times, and ${count(ab)} times the other way`);
  if (!one) return `${said(pairs[0])}. No pair runs one way only.`;
  return `${said(one)}: a different threshold or weight for ${classes[one.ab >= one.ba ? one.b : one.a]} could shift it.`;
}

/**
 * @param {any} data the API's answer
 * @param {(t: number, p: number) => Promise<import('./examples.js').Examples>} cellOf examples of a cell
 * @param {(t: number, p: number, from: HTMLElement) => void} onCell
 */
export function ledger(data, cellOf, onCell) {
  const { classes, faces } = data;
  const pairs = /** @type {Pair[]} */ (data.pairs.slice(0, PAIRS));
  const most = Math.max(1, ...pairs.flatMap(({ ab, ba }) => [ab, ba]));

  const end = (/** @type {number} */ t, /** @type {number} */ p, /** @type {number} */ n, /** @type {string} */ side) => {
    const face = faces?.index?.[t]?.[p] ?? -1;
    const strip = h('span', { class: 'faces', style: face >= 0 ? sheetStyle(faces.sheet) : {}, dataset: { cell: `${t}-${p}` } }, face >= 0 ? tile(faces.sheet, face, 28) : null);
    const bar = h('span', { class: 'mirror', 'aria-hidden': 'true' }, h('i', { style: { width: `${(100 * n) / most}%` } }));
    const number = h('span', { class: 'n' }, count(n));
    const button = h('button', { type: 'button', class: `end ${side}`, disabled: n === 0, 'aria-label': `${count(n)} ${classes[t]} called ${classes[p]}: show them`, on: { click: () => onCell(t, p, button) } }, side === 'left' ? [strip, number, bar] : [bar, number, strip]);
    return h('td', {}, button);
  };
  const way = (/** @type {Pair} */ { ab, ba, one_way }) => (ab >= ba ? (one_way ? ' ⟶ ' : ' → ') : one_way ? ' ⟵ ' : ' ← ');
  const bodies = pairs.map((pair) => h('tbody', {},
    h('tr', {}, h('th', { scope: 'rowgroup', colspan: 2 }, classes[pair.a], h('span', { class: 'ways', 'aria-hidden': 'true' }, way(pair)), classes[pair.b], pair.one_way ? h('span', { class: 'tag' }, 'one way') : null)),
    h('tr', {}, end(pair.a, pair.b, pair.ab, 'left'), end(pair.b, pair.a, pair.ba, 'right'))));
  const element = h('figure', { class: 'chart ledger' },
    h('table', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'left called right'), h('th', { scope: 'col' }, 'right called left'))), bodies),
    h('figcaption', {}, ledgerText(pairs, classes)));

  // Single images say more than their mean. They are asked for once the ledger is in sight; without them (in a report that does not
  // carry them) the means stay.
  const seen = new IntersectionObserver(async (entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
    seen.disconnect();
    for (const strip of element.querySelectorAll('.faces')) {
      const [t, p] = (/** @type {HTMLElement} */ (strip).dataset.cell ?? '').split('-').map(Number);
      if (!data.confusion[t][p]) continue;
      const examples = await cellOf(t, p).catch(() => null);
      if (!examples?.sheet) return;
      const sheet = examples.sheet;
      const wanted = Math.min(IMAGES, examples.list.length);
      for (const [name, value] of Object.entries(sheetStyle(sheet))) /** @type {HTMLElement} */ (strip).style.setProperty(name, value);
      strip.replaceChildren(...Array.from({ length: wanted }, (_, i) => tile(sheet, i, 28)));
    }
  });
  seen.observe(element);
  return element;
}
