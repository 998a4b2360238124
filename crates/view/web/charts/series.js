// @ts-check
// What charts of runs have in common: lines and dots in the colors of pins over grey context, and the words for them.

import { h, svg } from '../dom.js';
import { pinStyle, token } from '../palette.js';

/** Many lines as one trace, which is drawn fast: a gap stands between two. @param {{x: any[], y: any[], custom: any}[]} lines */
export function joined(lines) {
  const [x, y, customdata] = /** @type {any[][]} */ ([[], [], []]);
  for (const line of lines) {
    for (let i = 0; i < line.y.length; i++) {
      x.push(line.x[i]);
      y.push(line.y[i]);
      customdata.push(line.custom);
    }
    x.push(null);
    y.push(null);
    customdata.push(null);
  }
  return { x, y, customdata };
}

/** The grey of what is not selected. */
export function context() {
  return token('--grey');
}

/** A line in the color, dash and marker of a pin. @param {number} slot @param {number} points how many there are: markers only on short lines */
export function pinnedLine(slot, points) {
  const { color, dash, symbol } = pinStyle(slot);
  return { mode: points <= 40 ? 'lines+markers' : 'lines', line: { color, dash, width: 2 }, marker: { color, symbol, size: 6 } };
}

/** The key of a chart: a sample of each line and its name. @param {{name: string, style: {color: string, dash?: string}, onHover?: (on: boolean) => void, href?: string}[]} entries */
export function lineKey(entries) {
  return h('ul', { class: 'key' }, entries.map(({ name, style, onHover, href }) =>
    h('li', { on: { pointerenter: () => onHover?.(true), pointerleave: () => onHover?.(false) } }, sample(style), href ? h('a', { href }, name) : name)));
}

/** @param {{color: string, dash?: string}} style */
function sample({ color, dash = 'solid' }) {
  const dashes = /** @type {Record<string, string>} */ ({ solid: '', dash: '8 4', dot: '2 3', dashdot: '8 3 2 3', longdash: '12 5', longdashdot: '12 3 2 3' });
  return svg('svg', { viewBox: '0 0 30 12', 'aria-hidden': 'true' }, svg('path', { d: 'M1 6h28', fill: 'none', stroke: color, 'stroke-width': 2.5, 'stroke-dasharray': dashes[dash] ?? dash.replaceAll('px', '') }));
}

/**
 * Of dots so dense that they would hide each other, one of each place: a grid of `across` by `up` places over all of them.
 * @param {number[]} rows @param {(i: number) => number} x @param {(i: number) => number} y @param {number} [across] @param {number} [up]
 */
export function thin(rows, x, y, across = 200, up = 120) {
  const span = (/** @type {(i: number) => number} */ of) => rows.reduce(([low, high], i) => [Math.min(low, of(i)), Math.max(high, of(i))], [Infinity, -Infinity]);
  const [[left, right], [bottom, top]] = [span(x), span(y)];
  const taken = new Set();
  return rows.filter((i) => {
    const place = Math.round(((x(i) - left) / (right - left || 1)) * across) * (up + 1) + Math.round(((y(i) - bottom) / (top - bottom || 1)) * up);
    return !taken.has(place) && taken.add(place);
  });
}

/** Course of a series, as a sentence without its subject: `rises from 85.2% at epoch 1 to 89.4% at epoch 7, then falls to 89.1%`. @param {any[]} x @param {any[]} y @param {(value: number) => string} said @param {string} unit @param {boolean} up whether high is good */
export function course(x, y, said, unit, up) {
  const at = y.map((_, i) => i).filter((i) => y[i] !== null && y[i] !== undefined);
  if (!at.length) return 'has no value yet';
  const [first, last] = [at[0], at[at.length - 1]];
  if (first === last) return `is ${said(y[first])} at ${unit} ${x[first]}`;
  if (at.every((i) => said(y[i]) === said(y[first]))) return `stays at ${said(y[first])} up to ${unit} ${x[last]}`;
  const best = at.reduce((a, b) => ((up ? y[b] > y[a] : y[b] < y[a]) ? b : a), first);
  const [toBest, toWorse] = up ? ['rises', 'falls'] : ['falls', 'rises'];
  if (best === first) return `${toWorse} from ${said(y[first])} at ${unit} ${x[first]} to ${said(y[last])} at ${unit} ${x[last]}`;
  const begun = `${toBest} from ${said(y[first])} at ${unit} ${x[first]} to ${said(y[best])} at ${unit} ${x[best]}`;
  return best === last || said(y[best]) === said(y[last]) ? begun : `${begun}, then ${toWorse} to ${said(y[last])}`;
}
