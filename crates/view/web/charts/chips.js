// @ts-check
// The brushes of a page as chips that take them away, with the buttons that make common ones.
import { h, put } from '../dom.js';
import { count } from '../format.js';
import { chipText } from './brushes.js';

/** @typedef {{text: string, title: string, key?: string, brush: () => [string, import('./axes.js').Brush|null]}} Shortcut */

/**
 * @param {object} options
 * @param {any} options.selection
 * @param {number} options.rows
 * @param {(name: string) => string} options.titled
 * @param {(name: string) => string} options.absent
 * @param {Shortcut[]} options.shortcuts
 */
export function chips({ selection, rows, titled, absent, shortcuts }) {
  const list = h('ul', { class: 'chip-list' });
  const said = h('span', { class: 'chip-count', role: 'status' });
  const clearAll = h('button', { type: 'button', class: 'quiet', on: { click: () => selection.clearBrushes() } }, 'Clear all');
  const buttons = shortcuts.map(({ text, title, brush }) => h('button', { type: 'button', class: 'quiet', title, on: { click: () => selection.setBrush(...brush()) } }, text));
  const element = h('div', { class: 'chips' }, said, list, h('span', { class: 'chip-buttons' }, buttons, clearAll));

  function show() {
    const n = selection.brushes.size;
    said.textContent = n ? `${count(selection.count)} of ${count(rows)} trials` : `All ${count(rows)} trials. Brush an axis to filter.`;
    clearAll.hidden = n === 0;
    element.classList.toggle('brushed', n > 0);
    put(list, [...selection.brushes].map(([name, brush]) => {
      const text = chipText(titled(name), brush, absent(name));
      return h('li', {}, h('button', { type: 'button', class: 'chip', 'aria-label': `Take away the brush ${text}`, on: { click: () => selection.setBrush(name, null) } }, text, h('span', { 'aria-hidden': 'true' }, ' ×')));
    }));
  }
  show();
  return { element, stop: selection.subscribe((/** @type {string} */ change) => change === 'brush' && show()) };
}
