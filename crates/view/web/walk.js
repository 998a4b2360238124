// @ts-check
// Walking through the points of a chart with the arrow keys: left and right along a trace, up and down from trace to trace.

import { number, percent, plain, when } from './format.js';
import { announce } from './page.js';

/** Values are said at most twice a second. */
const SAY_MS = 500;

/**
 * @param {HTMLElement} plot what has the focus
 * @param {{traces: () => any[], layout: () => any, hover: (curve: number, point: number) => void, onPoint: (trace: any, i: number) => void}} chart
 */
export function walk(plot, chart) {
  let curve = -1;
  let point = -1;
  let timer = 0;
  plot.addEventListener('keydown', (event) => {
    const traces = chart.traces();
    if (event.key === 'Enter' && traces[curve]) {
      event.preventDefault();
      event.stopPropagation();
      chart.onPoint(traces[curve], point);
      return;
    }
    const place = step(traces, curve, point, event.key);
    if (!place) return;
    event.preventDefault();
    event.stopPropagation();
    [curve, point] = place;
    chart.hover(curve, point);
    clearTimeout(timer);
    timer = window.setTimeout(() => announce(said(traces[curve], point, chart.layout())), SAY_MS);
  });
}

/** Trace and point that a key leads to, or null if it leads nowhere. @param {any[]} traces @param {number} curve @param {number} point @param {string} key @returns {[number, number] | null} */
export function step(traces, curve, point, key) {
  const along = { ArrowRight: 1, ArrowLeft: -1 }[key];
  const across = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (!along && !across) return null;
  const open = traces.map((_, i) => i).filter((i) => traces[i].hoverinfo !== 'skip' && traces[i].visible !== false && points(traces[i]).length);
  if (!open.length) return null;
  if (!open.includes(curve)) return [open[0], points(traces[open[0]])[0]];
  if (across) {
    const next = open[Math.min(Math.max(open.indexOf(curve) + across, 0), open.length - 1)];
    const here = points(traces[next]);
    return [next, here.reduce((best, i) => (Math.abs(i - point) < Math.abs(best - point) ? i : best), here[0])];
  }
  const here = points(traces[curve]);
  const at = here.indexOf(point) + (along ?? 0);
  return [curve, here[Math.min(Math.max(at, 0), here.length - 1)]];
}

/** A point in words: `sgd: epoch 3, validation accuracy 88.9%`. @param {any} trace @param {number} i @param {any} layout */
export function said(trace, i, layout) {
  const part = (/** @type {any} */ axis, /** @type {any} */ value) => {
    const title = typeof axis?.title === 'string' ? axis.title : (axis?.title?.text ?? '');
    const text = axis?.type === 'date' ? when(Number(new Date(value))) : /%/.test(axis?.tickformat ?? '') ? percent(value) : typeof value === 'number' ? number(value) : plain(value);
    return `${title} ${text}`.trim();
  };
  const own = trace.text?.[i];
  if (own?.includes('<br>')) return own.replaceAll('<br>', ', ');
  const name = own || trace.name ? `${own || trace.name}: ` : '';
  return `${name}${part(layout.xaxis, trace.x?.[i])}, ${part(layout.yaxis, trace.y?.[i])}`;
}

/** The points of a trace that are drawn. @param {any} trace @returns {number[]} */
function points(trace) {
  const list = [];
  for (let i = 0; i < (trace.y?.length ?? 0); i++) if (trace.y[i] !== null && trace.y[i] !== undefined && !Number.isNaN(trace.y[i])) list.push(i);
  return list;
}
