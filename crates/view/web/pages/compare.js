// @ts-check
// Two runs: what differs, and whether one is really better.

import { get } from '../api.js';
import { chart } from '../chart.js';
import { columnsOf } from '../columns.js';
import { exampleList } from '../charts/examples.js';
import { course, lineKey, pinnedLine } from '../charts/series.js';
import { h, put } from '../dom.js';
import { SHARES, count, number, percent, plain, plural, points, words } from '../format.js';
import { keys } from '../keys.js';
import { card, choice, page, plainTable } from '../page.js';
import { pinStyle, pins, theme, themed } from '../palette.js';
import { go, href, setParam } from '../state.js';

const METRICS = ['val_accuracy', 'val_loss', 'train_accuracy', 'train_loss'];
/** Examples of each kind that are shown before somebody asks for more. */
const FIRST = 6;

/** @param {string[]} ids @param {Record<string, string>} params @returns {Promise<HTMLElement>} */
export async function comparePage(ids, params) {
  if (ids.length < 2) return pickPage();
  const [a, b] = ids.map(encodeURIComponent);
  const both = await get(`/api/compare?a=${a}&b=${b}`);
  const root = page(`${nameOf(both.b)} against ${nameOf(both.a)}`);
  put(root, heading(both), h('div', { class: 'columns' }, h('section', { class: 'card', 'aria-label': 'Curves' }, h('h2', { class: 'hidden' }, 'Curves'), curves(both, params, root)), settings(both)), both.paired ? images(both) : whyNot(both));
  return root;
}

/** @param {any} side */
const nameOf = (side) => side.name || side.id;

/** @param {any} both */
function heading({ a, b, verdict, paired }) {
  const side = (/** @type {any} */ each, /** @type {number} */ slot) => ({ name: `${'AB'[slot]}: ${nameOf(each)}, ${percent(each.val_accuracy, 2)} validation`, style: pinStyle(slot), href: href('run', each.id) });
  const sides = h('div', { class: 'sides' });
  const fill = () => put(sides, lineKey([side(a, 0), side(b, 1)]));
  fill();
  themed(sides, fill);
  const settled = verdict.settled ? '' : h('span', { class: 'tag', style: { 'margin-left': '10px' } }, 'not settled');
  return h(
    'header',
    null,
    h('p', { class: 'eyebrow' }, h('span', null, 'B against A'), h('a', { href: href('compare', b.id, a.id) }, 'swap')),
    h('h1', { tabindex: '-1' }, verdict.text, settled),
    sides,
    paired ? h('p', { class: 'muted' }, pairedText(paired)) : null,
  );
}

/** @param {any} paired */
function pairedText({ set, images, only_a: onlyA, only_b: onlyB, p, difference, low, high }) {
  const chance = p < 0.001 ? 'p < 0.001' : `p = ${number(Number(p.toPrecision(2)))}`;
  return `Of the same ${count(images)} ${set} images, B fixes ${count(onlyB)} and breaks ${count(onlyA)} (McNemar ${chance}): a difference of ${points(difference, 2)} points, 95% interval ${points(low, 2)} to ${points(high, 2)}.`;
}

/** @param {any} both */
function settings({ settings: list }) {
  if (!list.length) return card('Settings that differ', h('p', { class: 'muted' }, 'None: the runs differ in their seed or data at most.'));
  return card(`Settings that differ (${list.length})`, plainTable(['setting', 'A', 'B'], list.map((/** @type {any} */ each) => [words(each.name), ...changed(plain(each.a), plain(each.b))])));
}

/** Two texts with the part that changed marked. @param {string} a @param {string} b */
function changed(a, b) {
  let from = 0;
  while (from < Math.min(a.length, b.length) && a[from] === b[from]) from += 1;
  while (from > 0 && /[\d.]/.test(a[from - 1])) from -= 1;
  const mark = (/** @type {string} */ text) => h('span', null, text.slice(0, from), h('span', { class: 'changed' }, text.slice(from)));
  return [mark(a), mark(b)];
}

/** @param {any} both @param {Record<string, string>} params @param {HTMLElement} root */
function curves({ a, b }, params, root) {
  let metric = METRICS.includes(params.curve) ? params.curve : METRICS[0];
  let across = params.x === 'seconds' ? 'seconds' : 'epoch';
  let log = false;
  const share = () => metric.endsWith('accuracy');
  const said = (/** @type {number} */ x) => (share() ? percent(x, 1) : number(x));
  const tools = [
    choice('of', METRICS.map((name) => [name, words(name)]), metric, (value) => {
      metric = value;
      setParam('curve', value === METRICS[0] ? null : value);
      figure.update(described());
    }),
    choice('by', [['epoch', 'epoch'], ['seconds', 'seconds']], across, (value) => {
      across = value;
      setParam('x', value === 'epoch' ? null : value);
      figure.update(described());
    }),
  ];
  const bands = (/** @type {any} */ { seeds }) => across === 'epoch' && metric === 'val_accuracy' && seeds && seeds.runs.length > 1;

  function traces() {
    const list = [];
    for (const [slot, side] of [a, b].entries()) {
      const { color } = pinStyle(slot);
      if (bands(side)) {
        const edge = { x: side.seeds.epoch, type: 'scatter', mode: 'lines', line: { width: 0 }, hoverinfo: 'skip' };
        list.push({ ...edge, y: side.seeds.low }, { ...edge, y: side.seeds.high, fill: 'tonexty', fillcolor: `${color}2e` });
      }
      const y = side.curves[metric];
      list.push({ x: side.curves[across], y, type: 'scatter', name: 'AB'[slot], ...pinnedLine(slot, y.length), hovertemplate: `${'AB'[slot]}: ${nameOf(side)}<br>${across} %{x}: %{y}<extra></extra>` });
    }
    return list;
  }

  function described() {
    const how = (/** @type {string} */ letter, /** @type {any} */ side) => `${letter} ${course(side.curves.epoch, side.curves[metric], said, 'epoch', share())}`;
    const seeds = [a, b].filter(bands).length ? ` Bands: lowest to highest of ${[a, b].filter(bands).map((side) => plural(side.seeds.runs.length, 'seed')).join(' and ')}.` : '';
    return {
      caption: `${how('A', a)}; ${how('B', b)}.${seeds}`,
      layout: { xaxis: { title: across === 'epoch' ? 'epoch' : 'seconds of training' }, yaxis: { title: words(metric), type: log && !share() ? 'log' : 'linear', tickformat: share() ? SHARES : '', hoverformat: share() ? ',.2%' : '.4g' }, uirevision: `${metric} ${across} ${log}` },
    };
  }

  const table = () => {
    const long = a.curves.epoch.length >= b.curves.epoch.length ? a : b;
    return { head: ['epoch', `A ${words(metric)}`, `B ${words(metric)}`], rows: long.curves.epoch.map((/** @type {number} */ e, /** @type {number} */ i) => [e, said(a.curves[metric][i]), said(b.curves[metric][i])]) };
  };
  const figure = chart({ title: 'Curves', tools, traces, table, height: 300, ...described() });
  keys(root, {
    l: () => {
      log = !log;
      figure.update(described());
    },
  });
  return figure;
}

/** @param {any} both */
function images({ classes, fixes, breaks, paired }) {
  const names = classes.map((/** @type {any} */ each) => each.name);
  const list = (/** @type {string} */ title, /** @type {any} */ examples) => card(title, examples.list.length ? exampleList(examples, names, FIRST) : h('p', { class: 'muted' }, 'None.'));
  return [
    card('What changes in each class', h('div', { class: 'narrow' }, classChart(classes, paired.set))),
    h('div', { class: 'columns', style: { 'margin-top': '32px' } }, list(`B fixes ${plural(paired.only_b, 'image')}`, fixes), list(`B breaks ${plural(paired.only_a, 'image')}`, breaks)),
  ];
}

/** @param {{name: string, a: number, b: number}[]} classes @param {string} set */
function classChart(classes, set) {
  const sorted = [...classes].sort((x, y) => x.b - x.a - (y.b - y.a));
  const change = sorted.map(({ a, b }) => (b - a) * 100);
  const most = sorted[sorted.length - 1];
  const least = sorted[0];
  const part = (/** @type {any} */ each, /** @type {string} */ verb) => `${each.name} ${verb} ${points(each.b - each.a).slice(1)} points`;
  const caption = [most.b > most.a ? part(most, 'gains') : '', least.b < least.a ? part(least, 'loses') : ''].filter(Boolean).join('; ');
  const traces = () => [{
    type: 'bar',
    orientation: 'h',
    x: change,
    y: sorted.map(({ name }) => name),
    text: sorted.map(({ a, b }) => points(b - a)),
    textposition: 'outside',
    cliponaxis: false,
    marker: { color: change.map((x) => pins[theme()][x < 0 ? 1 : 0]), pattern: { shape: change.map((x) => (x < 0 ? '/' : '')), fgopacity: 0.6 } },
    hovertemplate: sorted.map(({ name, a, b }) => `${name}: ${percent(a)} to ${percent(b)}<extra></extra>`),
  }];
  return chart({
    title: `Change of recall, in points (${set} set)`,
    traces,
    layout: { xaxis: { title: 'points', zeroline: true }, yaxis: { title: '', ticks: '', showgrid: false }, margin: { l: 90 } },
    caption: caption ? `${caption}.` : 'No class changes.',
    table: { head: ['class', 'A', 'B', 'change'], rows: sorted.map(({ name, a, b }) => [name, percent(a), percent(b), points(b - a)]) },
    height: 60 + 24 * sorted.length,
  });
}

/** @param {any} both */
function whyNot({ why_not: why }) {
  return card('The same images', h('p', { class: 'muted' }, why ?? 'Both cannot be judged by the same images.'));
}

/** Two lists to pick from. */
async function pickPage() {
  const runs = columnsOf(await get('/api/runs'));
  const options = Array.from({ length: runs.rows }, (_, i) => /** @type {[string, string]} */ ([runs.column('id')?.at(i), `${runs.column('name')?.at(i) || runs.column('id')?.at(i)} (${percent(runs.column('val_accuracy')?.at(i))})`]));
  if (options.length < 2) return page('Compare two runs', h('p', { class: 'muted' }, 'There are fewer than two runs.'));
  const picked = [options[1][0], options[0][0]];
  const pick = (/** @type {number} */ k) => h('p', null, choice('AB'[k], options, picked[k], (id) => (picked[k] = id)));
  return page('Compare two runs', h('p', { class: 'muted' }, 'Pin two runs in the project’s table and press c, or pick them here.'), h('div', { class: 'stack', style: { 'margin-top': '20px', gap: '12px' } }, pick(0), pick(1), h('p', null, h('button', { type: 'button', class: 'primary', on: { click: () => go(href('compare', ...picked)) } }, 'Compare'))));
}
