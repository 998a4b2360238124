// @ts-check
// What matters: importance with its interval beside correlation, one row for each parameter; or as W&B shows it, category by category.
import { h } from '../dom.js';
import { percent, plain, plural } from '../format.js';

/**
 * @typedef {{name: string, importance: number|null, low: number|null, high: number|null, verdict: 'matters'|'little'|'too_early'}} Weight
 * @typedef {{name: string, category: any, importance: number|null, correlation: number|null, low: number|null, high: number|null}} Column
 * @typedef {{trials: number, explained: number|null, early: boolean, parameters: Weight[], columns: Column[]}} Importance
 */

const VERDICTS = { matters: 'matters', little: 'matters little', too_early: 'too early to tell' };

/** A correlation with its sign, two digits. @param {number|null} r */
export function signed(r) {
  if (r === null) return '–';
  const text = Math.abs(r).toFixed(2);
  return text === '0.00' ? text : `${r < 0 ? '−' : '+'}${text}`;
}

/** Sentence on the forest of all trials. @param {Importance} importance */
export function forestText({ trials, explained, early }) {
  if (explained === null) return `Too early to tell: ${plural(trials, 'trial')}.`;
  const share = `the forest explains ${percent(Math.max(0, explained), 0)} of the variation in trials that it has not seen (${plural(trials, 'trial')})`;
  return early ? `Too early to tell: ${share}. The bars are hatched, as they may be noise.` : `${share[0].toUpperCase()}${share.slice(1)}.`;
}

/** A bar from the left with its interval. @param {number} value @param {number|null} low @param {number|null} high @param {number} most @param {boolean} hatched */
function bar(value, low, high, most, hatched) {
  const share = (/** @type {number} */ x) => `${(100 * Math.min(1, Math.max(0, x / most))).toFixed(2)}%`;
  return h('div', { class: `meter${hatched ? ' hatched' : ''}`, 'aria-hidden': 'true' },
    h('i', { style: { width: share(value) } }),
    low === null || high === null ? null : h('b', { style: { left: share(low), right: `calc(100% - ${share(high)})` } }));
}

/** A bar to the left or right of zero, of a correlation. @param {Column} column */
function signedBar({ correlation, low, high }) {
  const at = (/** @type {number} */ r) => 50 + 50 * r;
  const r = correlation ?? 0;
  return h('div', { class: 'meter signed', 'aria-hidden': 'true' },
    h('i', { class: r < 0 ? 'minus' : 'plus', style: { left: `${at(Math.min(0, r))}%`, right: `${100 - at(Math.max(0, r))}%` } }),
    low === null || high === null ? null : h('b', { style: { left: `${at(low)}%`, right: `${100 - at(high)}%` } }));
}

/** @param {Column} column */
const interval = ({ low, high }) => (low === null || high === null ? '' : ` [${signed(low)}, ${signed(high)}]`);

/**
 * @param {Importance} importance
 * @param {{metric: string, wandb: boolean, onView: (wandb: boolean) => void}} options
 */
export function importanceTable(importance, { metric, wandb, onView }) {
  const view = (/** @type {boolean} */ to, /** @type {string} */ text, /** @type {string} */ title) => h('button', { type: 'button', title, 'aria-pressed': String(wandb === to), on: { click: () => onView(to) } }, text);
  const switcher = h('div', { class: 'switch', role: 'group', 'aria-label': 'How importance is counted' },
    view(false, 'what matters', 'Permutation importance: how much worse a forest predicts when the parameter is shuffled'),
    view(true, 'W&B view', 'Importance in a random forest, and linear correlation, category by category'));
  const table = wandb ? asInWandb(importance, metric) : withIntervals(importance, metric);
  return h('figure', { class: 'chart' }, switcher, h('div', { class: 'scroll-x', tabindex: '0', role: 'region', 'aria-label': 'Table of importance' }, table),
    h('figcaption', {}, wandb ? 'As in W&B: impurity importance of a random forest, and Pearson correlation. It favors parameters with many values.' : `${forestText(importance)} Outliers of the metric are clipped.`));
}

/** @param {string[]} names @param {any[]} rows */
const tabled = (names, rows) => h('table', { class: 'importance' }, h('thead', {}, h('tr', {}, names.map((name) => h('th', { scope: 'col' }, name)))), h('tbody', {}, rows));

/** The longest bar's value. @param {(number|null)[]} values */
const longest = (values) => Math.max(0.02, ...values.map((x) => x ?? 0));

/** A row for each column of the forest. @param {Importance} importance @param {string} metric */
function asInWandb({ columns, early }, metric) {
  const most = longest(columns.map((column) => column.importance));
  return tabled(['parameter', 'importance', `correlation with ${metric}`], columns.map((column) => h('tr', {},
    h('th', { scope: 'row' }, column.category === null ? column.name : `${column.name}.${plain(column.category)}`),
    h('td', {}, bar(column.importance ?? 0, null, null, most, early), h('span', { class: 'num' }, column.importance === null ? '–' : column.importance.toFixed(3))),
    h('td', {}, signedBar(column), h('span', { class: 'num' }, signed(column.correlation))))));
}

/** A row for each parameter, with the correlations of its categories. @param {Importance} importance @param {string} metric */
function withIntervals({ parameters, columns }, metric) {
  const most = longest(parameters.map(({ high, importance }) => high ?? importance));
  const level = (/** @type {Column} */ column) => h('li', {},
    column.category === null ? null : h('span', { class: 'level', title: plain(column.category) }, plain(column.category)),
    signedBar(column),
    h('span', { class: 'num', title: `95% interval${interval(column)}` }, signed(column.correlation)));
  return tabled(['parameter', 'importance, 95% interval', 'verdict', `correlation with ${metric}, 95% interval`], parameters.map((weight) => h('tr', {},
    h('th', { scope: 'row' }, weight.name),
    h('td', {}, bar(weight.importance ?? 0, weight.low, weight.high, most, weight.verdict === 'too_early'), h('span', { class: 'num' }, said(weight))),
    h('td', { class: `verdict ${weight.verdict}` }, VERDICTS[weight.verdict]),
    h('td', {}, h('ul', { class: 'levels' }, columns.filter(({ name }) => name === weight.name).map(level))))));
}

/** @param {Weight} weight */
function said({ importance, low, high }) {
  if (importance === null) return '–';
  const points = (/** @type {number} */ x) => (100 * x).toFixed(0);
  return low === null || high === null ? `${points(importance)}%` : `${points(importance)}% [${points(low)}, ${points(high)}]`;
}
