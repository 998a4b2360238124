// @ts-check
// How the model is wrong besides where: what came second, whether its confidence can be believed, and each class in numbers.
import { h } from '../dom.js';
import { chart } from '../chart.js';
import { count, percent } from '../format.js';
import { token } from '../palette.js';

/** Rank of the true class: first, second, or later. @param {any} data */
export function secondChoice({ images, wrong, second }) {
  if (!images) return null;
  const near = Math.round(wrong * (second ?? 0));
  const parts = [['first', images - wrong, 'plain'], ['second', near, 'striped'], ['later', wrong - near, 'solid']];
  return h('figure', { class: 'chart second' },
    h('div', { class: 'shares', 'aria-hidden': 'true' }, parts.map(([name, n, look]) => h('i', { class: String(look), title: `${name}: ${count(n)}`, style: { width: `${(100 * Number(n)) / images}%` } }))),
    h('dl', { class: 'facts' }, parts.map(([name, n, look]) => h('div', {}, h('dt', {}, h('i', { class: `swatch ${look}`, 'aria-hidden': 'true' }), `true class ${name}`), h('dd', {}, `${count(n)}, ${percent(Number(n) / images)}`)))),
    h('figcaption', {}, `In ${percent(second, 0)} of the ${count(wrong)} errors the true class came second: the first two choices are right for ${percent((images - wrong + near) / images)}.`));
}

/** Sentence on the calibration diagram. @param {any} data */
export function calibrationText({ calibration, calibration_error: error }) {
  const bins = calibration.filter((/** @type {any} */ bin) => bin.images > 0);
  const worst = [...bins].sort((a, b) => b.images * Math.abs(b.confidence - b.accuracy) - a.images * Math.abs(a.confidence - a.accuracy))[0];
  if (!worst) return 'There are no images to judge by.';
  const gap = worst.confidence - worst.accuracy;
  const way = Math.abs(gap) < 0.02 ? 'well calibrated' : gap > 0 ? 'overconfident' : 'underconfident';
  return `At ${percent(worst.confidence, 0)} confidence it is right ${percent(worst.accuracy, 0)} of the time (${count(worst.images)} images): ${way}. Calibration error ${error === null ? '–' : error.toFixed(3)}.`;
}

/** @param {any} data */
export function calibrationChart(data) {
  const bins = data.calibration.filter((/** @type {any} */ bin) => bin.images > 0);
  const most = Math.max(1, ...bins.map((/** @type {any} */ bin) => bin.images));
  const traces = () => [
    { name: 'perfect', mode: 'lines', x: [0, 1], y: [0, 1], line: { color: token('--muted'), dash: 'dot', width: 1.5 }, hoverinfo: 'skip' },
    {
      name: 'the model', mode: 'lines+markers', x: bins.map((/** @type {any} */ bin) => bin.confidence), y: bins.map((/** @type {any} */ bin) => bin.accuracy),
      text: bins.map((/** @type {any} */ bin) => `${percent(bin.confidence, 0)} sure, ${percent(bin.accuracy, 0)} right, ${count(bin.images)} images`), hovertemplate: '%{text}<extra></extra>',
      line: { color: token('--accent'), width: 2 }, marker: { color: token('--accent'), size: bins.map((/** @type {any} */ bin) => 6 + 14 * Math.sqrt(bin.images / most)) },
    },
  ];
  return chart({
    title: 'Can its confidence be believed?', traces, height: 280, caption: `${calibrationText(data)} Larger dots have more images.`,
    layout: { xaxis: { title: 'confidence', tickformat: '.0%', range: [0, 1.04] }, yaxis: { title: 'accuracy', tickformat: '.0%', range: [0, 1.04] } },
    table: { head: ['confidence from', 'to', 'images', 'mean confidence', 'accuracy'], rows: data.calibration.map((/** @type {any} */ bin) => [percent(bin.low, 0), percent(bin.high, 0), count(bin.images), percent(bin.confidence), percent(bin.accuracy)]) },
  });
}

/** Every class in numbers, the worst first. @param {any} data @param {(t: number, p: number, from: HTMLElement) => void} onCell */
export function classTable({ classes, confusion, recall, precision, f1 }, onCell) {
  const order = classes.map((/** @type {any} */ _, /** @type {number} */ c) => c).sort((/** @type {number} */ a, /** @type {number} */ b) => (f1[a] ?? 2) - (f1[b] ?? 2));
  const taken = (/** @type {number} */ t) => {
    const others = confusion[t].map((/** @type {number} */ n, /** @type {number} */ p) => ({ n, p })).filter((/** @type {any} */ { n, p }) => n > 0 && p !== t);
    others.sort((/** @type {any} */ a, /** @type {any} */ b) => b.n - a.n);
    return others.slice(0, 2).map((/** @type {any} */ { n, p }, /** @type {number} */ j) => {
      const button = h('button', { type: 'button', class: 'link', on: { click: () => onCell(t, p, button) } }, `${classes[p]} ${count(n)}`);
      return [j ? ', ' : null, button];
    });
  };
  return h('div', { class: 'scroll-x' }, h('table', { class: 'plain classes' },
    h('thead', {}, h('tr', {}, ['class', 'precision', 'recall', 'F1', 'images', 'most often taken for'].map((name, j) => h('th', { scope: 'col', class: j > 0 && j < 5 ? 'figure' : '' }, name)))),
    h('tbody', {}, order.map((/** @type {number} */ c) => h('tr', {}, h('th', { scope: 'row' }, classes[c]),
      [precision, recall, f1].map((of) => h('td', { class: 'figure' }, percent(of[c], 0))),
      h('td', { class: 'figure' }, count(confusion[c].reduce((/** @type {number} */ sum, /** @type {number} */ n) => sum + n, 0))),
      h('td', {}, taken(c)))))));
}
