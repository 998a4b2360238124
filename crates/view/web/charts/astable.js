// @ts-check
// "As table": the numbers of a chart of our own, made when somebody opens it.
import { h, put } from '../dom.js';

/** @param {() => any} make the table @returns {HTMLElement & {again: () => void}} `again` makes it anew if it is open */
export function asTable(make) {
  const inside = h('div', { class: 'scroll' });
  const details = h('details', { class: 'as-table', on: { toggle: () => details.again() } }, h('summary', {}, 'as table'), inside);
  details.again = () => details.open && put(inside, make());
  return details;
}
