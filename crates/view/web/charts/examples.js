// @ts-check
// Images out of a sheet, and lists of examples: an image, what the model thought of it, and the training images nearest to it.
import { h } from '../dom.js';
import { count, percent } from '../format.js';

/**
 * @typedef {{width: number, height: number, columns: number, count: number, png: string}} Sheet
 * @typedef {{index: number, true: number, predicted: number, top: [number, number][], near: {index: number, label: number, distance: number}[]}} Example
 * @typedef {{count: number, list: Example[], sheet: Sheet|null, near: Sheet|null}} Examples
 */

/** A name that may break after its marks: `T-shirt/` `top`. @param {string} name */
export const breakable = (name) => name.split(/(?<=[/_ -])/).flatMap((part, j) => (j ? [h('wbr', {}), part] : [part]));

/** A style that gives an element's tiles their sheet: it is named once, not by every tile. @param {Sheet|null} sheet */
export function sheetStyle(sheet) {
  return sheet ? { '--sheet': `url("${sheet.png}")` } : {};
}

/** Tile `i` of the sheet of an element around it, `wide` pixels wide. @param {Sheet} sheet @param {number} i @param {number} wide @param {string} [label] what it shows; else it is decoration */
export function tile(sheet, i, wide, label) {
  const [across, down] = [i % sheet.columns, Math.floor(i / sheet.columns)];
  const tall = Math.round((wide * sheet.height) / sheet.width);
  return h('span', {
    class: 'thumb',
    ...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' }),
    style: { width: `${wide}px`, height: `${tall}px`, 'background-size': `${sheet.columns * wide}px auto`, 'background-position': `-${across * wide}px -${down * tall}px` },
  });
}

/** The three most probable classes as bars; the true one is marked. @param {Example} example @param {string[]} classes */
function probabilities({ top, true: truth }, classes) {
  return h('ol', { class: 'odds' }, top.map(([label, p]) => h('li', { class: label === truth ? 'truth' : '' },
    h('span', { class: 'name' }, classes[label], label === truth ? h('span', { class: 'mark' }, ' true') : null),
    h('span', { class: 'meter', 'aria-hidden': 'true' }, h('i', { style: { width: `${100 * p}%` } })),
    h('span', { class: 'num' }, percent(p, p > 0.995 ? 1 : 0)))));
}

/** One example. @param {Example} example @param {number} i @param {Examples} all @param {string[]} classes */
function exampleItem(example, i, { sheet, near }, classes) {
  const { index, true: truth, predicted } = example;
  const nearest = near && example.near.length ? h('div', { class: 'near', style: sheetStyle(near) }, h('span', { class: 'muted' }, 'nearest in training'), h('ul', {}, example.near.map(({ label, index: at, distance }, j) => h('li', { title: `training image ${at}, distance ${distance.toFixed(3)}` },
    tile(near, 3 * i + j, 42, `Training image ${at}`), h('span', { class: label === truth ? '' : 'other' }, breakable(classes[label])))))) : null;
  return h('li', { class: 'example' },
    sheet ? h('div', { style: sheetStyle(sheet) }, tile(sheet, i, 84, `${classes[truth]} called ${classes[predicted]}`)) : null,
    h('div', { class: 'said' }, h('p', {}, h('strong', {}, classes[truth]), ' called ', h('strong', {}, classes[predicted]), h('span', { class: 'muted' }, ` image ${index}`)), probabilities(example, classes)),
    nearest);
}

/**
 * A list of examples; `count` may be more than are listed.
 * @param {Examples} examples @param {string[]} classes @param {number} [most] how many are shown before somebody asks for all
 */
export function exampleList(examples, classes, most = Infinity) {
  const { list, count: all } = examples;
  const items = h('ol', { class: 'examples' }, list.slice(0, most).map((example, i) => exampleItem(example, i, examples, classes)));
  const more = list.length > most ? h('button', { type: 'button', class: 'quiet', on: { click: () => {
    list.slice(most).forEach((example, j) => items.append(exampleItem(example, most + j, examples, classes)));
    more?.remove();
  } } }, `Show ${count(list.length - most)} more`) : null;
  const rest = all > list.length ? h('p', { class: 'muted' }, `The first ${count(list.length)} of ${count(all)}.`) : null;
  return h('div', {}, items, more, rest);
}
