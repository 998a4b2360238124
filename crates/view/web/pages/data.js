// @ts-check
// A data set: what its images look like, and which classes look alike before anything is learned.

import { get } from '../api.js';
import { sheetStyle, tile } from '../charts/examples.js';
import { h, put } from '../dom.js';
import { count, plural } from '../format.js';
import { card, page, sentenceList } from '../page.js';
import { cividis, ink } from '../palette.js';
import { href } from '../state.js';

/** Sample images of each class in the API's sheet. */
const SAMPLES = 5;

/** @param {string[]} ids @returns {Promise<HTMLElement>} */
export async function dataPage(ids) {
  const names = await get('/api/data').then((/** @type {any} */ list) => list.map((/** @type {any} */ each) => each.name ?? each), () => []);
  const name = ids[0] ?? names[0];
  if (!name) return page('Data', h('p', { class: 'muted' }, 'No run has used any data yet.'));
  const data = await get(`/api/data/${encodeURIComponent(name)}`);
  const root = page(data.name);
  const others = names.filter((/** @type {string} */ each) => each !== data.name);
  put(
    root,
    h('p', { class: 'eyebrow' }, h('span', null, 'data set'), h('span', null, `${plural(data.train.images, 'training image')}`), h('span', null, `${plural(data.test.images, 'test image')}`), h('span', null, `${data.classes.length} classes`), data.path ? h('code', null, data.path) : null),
    h('h1', { tabindex: '-1' }, data.name),
    sentenceList(data.sentences),
    others.length ? h('p', { class: 'muted small', style: { 'margin-top': '8px' } }, 'Others: ', others.map((/** @type {string} */ each, /** @type {number} */ i) => [i ? ', ' : '', h('a', { href: href('data', each) }, each)])) : null,
    h('div', { class: 'columns' }, card('Classes', classTable(data)), card('Which classes look alike', alikeTable(data), pairs(data))),
  );
  return root;
}

/** @param {any} data */
function classTable({ classes, train, samples, means }) {
  const head = ['class', 'mean', 'samples', 'images'].map((text, k) => h('th', { scope: 'col', class: k === 3 ? 'figure' : '' }, text));
  const row = (/** @type {string} */ name, /** @type {number} */ c) => h(
    'tr',
    null,
    h('th', { scope: 'row' }, name),
    h('td', { style: sheetStyle(means) }, tile(means, c, 42, `Mean image of ${name}`)),
    h('td', { style: sheetStyle(samples) }, Array.from({ length: SAMPLES }, (_, k) => [tile(samples, c * SAMPLES + k, 42, `${name}, sample ${k + 1}`), ' '])),
    h('td', { class: 'figure' }, count(train.per_class[c])),
  );
  return h('div', { class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': 'Table of classes' }, h('table', { class: 'plain samples' }, h('thead', null, h('tr', null, head)), h('tbody', null, classes.map(row))));
}

/** Distances between mean images: the darker, the more alike. @param {any} data */
function alikeTable({ classes, distances }) {
  const most = Math.max(...distances.flat());
  const least = Math.min(...distances.flatMap((/** @type {number[]} */ row, /** @type {number} */ i) => row.slice(0, i)));
  const cell = (/** @type {number} */ a, /** @type {number} */ b) => {
    if (b >= a) return h('td', { class: 'none' });
    const d = distances[a][b];
    const color = cividis((d - least) / (most - least || 1));
    return h('td', { style: { background: color, color: ink(color) }, title: `${classes[a]} and ${classes[b]}: ${d.toFixed(3)}` }, d.toFixed(2).replace(/^0/, ''));
  };
  const rows = classes.map((/** @type {string} */ name, /** @type {number} */ a) => (a ? h('tr', null, h('th', { scope: 'row' }, name), classes.slice(0, -1).map((/** @type {string} */ _, /** @type {number} */ b) => cell(a, b))) : null));
  return h(
    'div',
    null,
    h('div', { class: 'scroll tall', tabindex: '0', role: 'region', 'aria-label': 'Table of distances' }, h('table', { class: 'alike' }, h('caption', { class: 'hidden' }, 'Distances between the mean images of classes'), h('thead', null, h('tr', null, h('td'), classes.slice(0, -1).map((/** @type {string} */ name) => h('th', { scope: 'col' }, h('span', null, name))))), h('tbody', null, rows))),
    h('p', { class: 'muted small', style: { 'margin-top': '6px' } }, 'The distance between the mean images, as the mean difference of a pixel from 0 to 1. Darker means more alike.'),
  );
}

/** @param {any} data */
function pairs({ classes, alike, means }) {
  if (!alike.length) return null;
  return h('ul', { class: 'pairs', style: sheetStyle(means) }, alike.map((/** @type {any} */ { a, b, distance }) => h('li', null, tile(means, a, 42), tile(means, b, 42), h('span', null, `${classes[a]} and ${classes[b]}`, h('span', { class: 'muted' }, ` ${distance.toFixed(3)}`)))));
}
