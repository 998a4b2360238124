// @ts-check
// Confusion over training: a small curve for each kind of mistake. The model may move a boundary while its accuracy stands still.
import { h, svg } from '../dom.js';
import { count } from '../format.js';
import { plainTable } from '../page.js';
import { asTable } from './astable.js';

/** @typedef {{epoch: number[], pairs: {true: number, predicted: number, counts: number[]}[]}} Training */

const [WIDE, TALL, MOST] = [132, 56, 8];

/** The mistake that changed most from one epoch to another, in words. @param {Training} training @param {string[]} classes */
export function trainingText({ epoch, pairs }, classes) {
  let found = { change: 0, text: 'The mistakes hardly change after the first epochs.' };
  for (const { true: t, predicted: p, counts } of pairs) {
    // From the second epoch on: in the first, everything changes.
    for (let from = 1; from < counts.length; from++) {
      for (let to = from + 1; to < counts.length; to++) {
        const change = Math.abs(counts[to] - counts[from]);
        if (change > found.change) found = { change, text: `${classes[t]} called ${classes[p]} went from ${count(counts[from])} at epoch ${epoch[from]} to ${count(counts[to])} at epoch ${epoch[to]}.` };
      }
    }
  }
  return found.text;
}

/** @param {any} data the API's answer @param {(t: number, p: number, from: HTMLElement) => void} onCell */
export function epochCurves(data, onCell) {
  const { training, classes } = data;
  const { epoch } = training;
  const pairs = training.pairs.slice(0, MOST);
  const most = Math.max(1, ...pairs.flatMap((/** @type {any} */ { counts }) => counts));
  const x = (/** @type {number} */ i) => 3 + (epoch.length > 1 ? (i * (WIDE - 6)) / (epoch.length - 1) : WIDE / 2);
  const y = (/** @type {number} */ n) => TALL - 3 - ((TALL - 8) * n) / most;
  const one = (/** @type {any} */ { true: t, predicted: p, counts }) => {
    const [first, last] = [counts[0], counts[counts.length - 1]];
    const way = last > first ? 'up' : last < first ? 'down' : 'same';
    const said = `${classes[t]} called ${classes[p]}: ${count(first)} at epoch ${epoch[0]}, ${count(last)} at epoch ${epoch[epoch.length - 1]}`;
    const button = h('button', { type: 'button', class: `small-curve ${way}`, title: counts.map((/** @type {number} */ n, /** @type {number} */ i) => `epoch ${epoch[i]}: ${n}`).join('\n'), on: { click: () => onCell(t, p, button) } },
      h('span', { class: 'pair' }, `${classes[t]} → ${classes[p]}`),
      h('span', { class: 'plot' },
        svg('svg', { viewBox: `0 0 ${WIDE} ${TALL}`, width: WIDE, height: TALL, 'aria-hidden': 'true' },
          svg('line', { class: 'base', x1: 0, x2: WIDE, y1: TALL - 2.5, y2: TALL - 2.5 }),
          svg('path', { d: counts.map((/** @type {number} */ n, /** @type {number} */ i) => `${i ? 'L' : 'M'}${x(i).toFixed(1)} ${y(n).toFixed(1)}`).join('') }),
          svg('circle', { cx: x(counts.length - 1), cy: y(last), r: 2.5 })),
        h('span', { class: 'n' }, count(last), h('span', { 'aria-hidden': 'true' }, { up: ' ▲', down: ' ▼', same: '' }[way]))),
      h('span', { class: 'hidden' }, `: ${said}`));
    return h('li', {}, button);
  };
  const details = asTable(() => plainTable(['true', 'predicted', ...epoch.map((/** @type {number} */ n) => `epoch ${n}`)], training.pairs.map((/** @type {any} */ { true: t, predicted: p, counts }) => [classes[t], classes[p], ...counts])));
  return h('figure', { class: 'chart epochs' }, h('ul', { class: 'small-curves' }, pairs.map(one)),
    h('figcaption', {}, `Validation images, epochs ${epoch[0]} to ${epoch[epoch.length - 1]}; ▲ more than at first, ▼ fewer. ${trainingText(training, classes)}`), details);
}
