// @ts-check
// The keys, on one sheet.

import { h } from './dom.js';
import { KEYS } from './keys.js';

/** Shows the keys until Escape or a click beside them. */
export function showHelp() {
  const close = h('button', { type: 'button', on: { click: () => sheet.close() } }, 'Close');
  const sheet = h(
    'dialog',
    { 'aria-label': 'Keys', on: { close: () => sheet.remove(), click: (/** @type {Event} */ event) => event.target === sheet && sheet.close() } },
    h('h2', null, 'Keys'),
    h('dl', { class: 'keys' }, KEYS.map(([key, does]) => h('div', null, h('dt', null, key.split(' ').map((each, i) => [i ? ' ' : '', h('kbd', null, each)])), h('dd', null, does)))),
    h('p', { class: 'muted small' }, 'Filters: val_accuracy>0.87 optimizer=adam text. A colon means “contains”, and none means that the value is missing.'),
    h('div', { class: 'form' }, h('div', { class: 'bar' }, close)),
  );
  document.body.append(sheet);
  sheet.showModal();
}
