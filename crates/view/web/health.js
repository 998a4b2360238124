// @ts-check
// Whether a training is healthy, in words, with what would help.

import { h, svg } from './dom.js';
import { plural } from './format.js';

/** @type {Record<string, string>} */
const ICONS = { good: 'M3 9l4 4 7-9', bad: 'M8 2v8M8 14v.5', unknown: 'M3 8h10' };
/** @type {Record<string, string>} */
const SAID = { good: 'good', bad: 'needs attention', unknown: 'not known' };

/** The checks of a run, what needs attention first. @param {{rule: string, state: string, text: string, fix: string | null}[]} checks */
export function healthList(checks) {
  const of = (/** @type {string} */ state) => checks.filter((check) => check.state === state);
  const [bad, good, unknown] = [of('bad'), of('good'), of('unknown')];
  const summary = bad.length ? `${plural(bad.length, 'check')} of ${checks.length} ${bad.length === 1 ? 'needs' : 'need'} attention.` : good.length ? 'Healthy: nothing needs attention.' : 'Nothing can be said yet.';
  return h('div', null, h('p', { style: { 'margin-bottom': '12px' } }, summary), h('ul', { class: 'health' }, [...bad, ...good, ...unknown].map(line)));
}

/** @param {{rule: string, state: string, text: string, fix: string | null}} check */
function line({ rule, state, text, fix }) {
  const icon = svg('svg', { viewBox: '0 0 16 16', role: 'img', 'aria-label': SAID[state] ?? state }, svg('path', { d: ICONS[state] ?? ICONS.unknown }));
  return h('li', { class: state, dataset: { rule } }, icon, h('span', null, text), fix ? h('span', { class: 'fix' }, fix) : null);
}
