// @ts-check
// Every trial's result against when it was created (or what it cost), and the best so far.
import { TRIALS, improvements } from '../best.js';
import { h } from '../dom.js';
import { chart } from '../chart.js';
import { count, plural, when } from '../format.js';
import { choice, plainTable } from '../page.js';
import { onTheme, pinStyle, token } from '../palette.js';
import { asTable } from './astable.js';
import { axisOf, skewed } from './axes.js';
import { dots } from './dots.js';

/** More trials than this are too slow for Plotly's SVG: our own canvas draws them all. */
const MANY = 2000;

/** Columns for the horizontal axis. @type {Record<string, string>} */
const ACROSS = { created_ms: 'created', number: 'trial', seconds: 'seconds of training', weights: 'weights' };

/**
 * The rows in the order of a column, and those that were the best when they came.
 * @param {any} columns @param {string} across @param {boolean} maximize @returns {{rows: number[], steps: number[]}}
 */
export function records(columns, across, maximize) {
  const [x, y] = [columns.column(across), columns.column('metric')];
  const rows = Array.from({ length: columns.rows }, (_, i) => i).filter((i) => x.at(i) !== null);
  rows.sort((a, b) => x.at(a) - x.at(b));
  const cost = (/** @type {number} */ i) => (y.at(i) === null ? null : maximize ? -y.at(i) : y.at(i));
  return { rows, steps: improvements(rows, (i) => columns.column('status').at(i), cost, TRIALS) };
}

/**
 * @param {object} options
 * @param {any} options.columns
 * @param {string} options.metric what the metric is called
 * @param {boolean} options.maximize
 * @param {any} options.selection
 * @param {(x: number|null) => string} options.said a value of the metric
 * @param {(i: number) => string} options.label of a trial
 * @param {string} options.across
 * @param {(across: string) => void} options.onAcross
 */
export function progress({ columns, metric, maximize, selection, said, label, across, onAcross }) {
  const names = Object.keys(ACROSS).filter((name) => columns.column(name));
  let x = names.includes(across) ? across : names[0];
  const title = `${metric} of every trial, and the best so far`;
  const pick = choice('x', /** @type {[string, string][]} */ (names.map((name) => [name, ACROSS[name]])), x, (next) => {
    x = next;
    onAcross(next);
    draw();
  });
  const status = (/** @type {number} */ i) => columns.column('status').at(i);
  const y = columns.column('metric');
  const pinned = (/** @type {number} */ i) => selection.slot(i) >= 0;
  const value = (/** @type {number} */ i) => (x === 'created_ms' ? new Date(columns.column(x).at(i)) : columns.column(x).at(i));
  const share = /accuracy/.test(metric);

  function caption() {
    const { steps } = records(columns, x, maximize);
    const best = steps[steps.length - 1];
    if (best === undefined) return 'No trial has finished with a result yet.';
    const order = records(columns, 'number', maximize).steps;
    const since = columns.rows - 1 - order[order.length - 1];
    return `The best is ${said(y.at(best))}, of trial ${columns.column('number').at(best)}, ${since ? `${plural(since, 'trial')} ago` : 'the latest'}; it improved ${plural(steps.length - 1, 'time')}.${footText()}`;
  }
  const table = () => ({ head: ['trial', ACROSS.created_ms, 'status', metric, 'best so far'], rows: records(columns, 'number', maximize).rows.map((i) => [columns.column('number').at(i), when(columns.column('created_ms').at(i)), status(i), said(y.at(i)), said(columns.column('best_so_far').at(i))]) });

  const isSkewed = skewed(y, columns.rows, maximize);

  /** The part of the metric's axis that is shown, null for all of it: what is brushed, or all but a few trials that are far off. */
  function zoomed() {
    const brush = selection.brushes.get('metric');
    const brushed = brush && !('levels' in brush);
    if (!brushed && !isSkewed) return null;
    const values = [];
    for (let i = 0; i < columns.rows; i++) if ((!brushed || selection.mask[i]) && y.at(i) !== null) values.push(y.at(i));
    if (!values.length) return null;
    values.sort((a, b) => (maximize ? a - b : b - a));
    const [worst, top] = [values[brushed ? 0 : Math.floor(values.length / 10)], values[values.length - 1]];
    const room = 0.08 * (top - worst) || 0.002;
    return maximize ? [worst - room, top + room] : [top + room, worst - room].reverse();
  }

  /** Height of trials that are worse than the range shown, or have no result: the lower edge. */
  function foot() {
    const range = zoomed();
    // A little above the edge, or half of each mark would be cut off.
    const inward = range ? 0.03 * (range[1] - range[0]) : 0;
    if (range) return maximize ? range[0] + inward : range[1] - inward;
    const values = Array.from({ length: columns.rows }, (_, i) => y.at(i)).filter((v) => v !== null);
    return maximize ? Math.min(...values) : Math.max(...values);
  }
  const beyond = (/** @type {number} */ i, /** @type {number} */ edge) => y.at(i) === null || (maximize ? y.at(i) < edge : y.at(i) > edge);

  function footText() {
    if (columns.rows > MANY || !zoomed()) return '';
    const edge = foot();
    const n = Array.from({ length: columns.rows }, (_, i) => i).filter((i) => y.at(i) !== null && beyond(i, edge)).length;
    return n ? ` ${plural(n, 'trial')} worse than ${said(edge)} ${n === 1 ? 'lies' : 'lie'} at the edge as ▼.` : '';
  }

  function traces() {
    const { rows, steps } = records(columns, x, maximize);
    const line = /** @type {any} */ ({ name: 'best so far', mode: 'lines', x: steps.map(value), y: steps.map((i) => y.at(i)), line: { shape: 'hv', color: token('--ink'), width: 2 }, hoverinfo: 'skip' });
    if (steps.length) {
      line.x.push(value(rows[rows.length - 1]));
      line.y.push(y.at(steps[steps.length - 1]));
    }
    const kinds = { finished: 'circle', pruned: 'circle-open', 'failed or diverged': 'x-thin-open', running: 'circle-dot' };
    const kind = (/** @type {number} */ i) => ({ finished: 'finished', pruned: 'pruned', failed: 'failed or diverged', diverged: 'failed or diverged' })[/** @type {string} */ (status(i))] ?? 'running';
    // A trial without a result lies at the foot, where its cross is seen.
    const edge = foot();
    // In the key, marks as they are when nothing is brushed: Plotly would take those of the first trial.
    const key = (/** @type {string} */ name, /** @type {string} */ symbol) => ({ name, mode: 'markers', x: [null], y: [null], marker: { symbol, size: 7, color: token('--accent') }, hoverinfo: 'skip' });
    const keyed = Object.entries(kinds).filter(([name]) => rows.some((i) => kind(i) === name)).map(([name, symbol]) => key(`${name} (${count(rows.filter((i) => kind(i) === name).length)})`, symbol));
    return [line, ...keyed, ...Object.entries(kinds).map(([name, symbol]) => {
      const own = rows.filter((i) => kind(i) === name && (y.at(i) !== null || name === 'failed or diverged'));
      return {
        name, mode: 'markers', showlegend: false, customdata: own, x: own.map(value), y: own.map((i) => (beyond(i, edge) ? edge : y.at(i))),
        text: own.map(label), hovertemplate: '%{text}<extra></extra>',
        marker: {
          symbol: own.map((i) => (y.at(i) !== null && beyond(i, edge) ? `triangle-down${symbol.endsWith('-open') ? '-open' : ''}` : symbol)),
          size: own.map((i) => (pinned(i) ? 11 : 7)),
          opacity: own.map((i) => (selection.mask[i] || pinned(i) ? 0.9 : 0.2)),
          color: own.map((i) => (pinned(i) ? pinStyle(selection.slot(i)).color : selection.mask[i] ? token('--accent') : token('--muted'))),
          line: { width: 1.5 },
        },
      };
    })];
  }

  const drawing = columns.rows > MANY ? large() : small();
  const draw = drawing.draw;
  return drawing;

  function small() {
    const over = () => {
      const i = selection.hovered;
      const edge = foot();
      return i === null || columns.column(x).at(i) === null ? null : { x: [value(i)], y: [beyond(i, edge) ? edge : y.at(i)] };
    };
    const layout = () => {
      const range = zoomed();
      const type = /** @type {Record<string, string>} */ ({ created_ms: 'date', weights: 'log' })[x] ?? 'linear';
      return { showlegend: true, xaxis: { title: ACROSS[x], type }, yaxis: { title: metric, tickformat: share ? (range && range[1] - range[0] < 0.1 ? '.1%' : '.0%') : '', autorange: range === null, ...(range ? { range } : {}) } };
    };
    const element = chart({
      title, caption: caption(), table, height: 280, tools: [pick], traces, layout: layout(), over,
      onPoint: ({ custom }) => custom !== undefined && selection.togglePin(custom),
      onHover: (point) => selection.setHovered(point?.custom ?? null),
    });
    const draw = () => element.update({ traces, layout: layout(), caption: caption() });
    let waiting = 0;
    const stop = selection.subscribe((/** @type {string} */ change) => {
      if (change === 'hover') return element.lift();
      clearTimeout(waiting);
      waiting = window.setTimeout(draw, 150);
    });
    return { element, draw, stop };
  }

  /** Too many for SVG: the same on a canvas. */
  function large() {
    const cloud = dots({ height: 260, onHover: (row) => row === selection.hovered || selection.setHovered(row), onClick: (row) => selection.togglePin(row) });
    const note = h('figcaption', {});
    const element = h('figure', { class: 'chart' }, h('header', {}, h('h3', {}, title), h('div', { class: 'tools' }, pick)), cloud.element, note, asTable(() => {
      const { head, rows } = table();
      return [h('p', {}, `The first 1,000 of ${count(rows.length)} trials.`), plainTable(head, rows.slice(0, 1000))];
    }));
    const began = columns.column('created_ms').at(0);
    const minutes = { kind: 'number', at: (/** @type {number} */ i) => (columns.column('created_ms').at(i) - began) / 60000 };
    const up = axisOf(y, columns.rows, { name: metric, scale: isSkewed ? 'rank' : 'linear', absent: 'NaN', text: said });
    let [laidFor, axes] = ['', /** @type {any} */ (null)];
    const draw = () => {
      if (laidFor !== x) {
        laidFor = x;
        const over = axisOf(x === 'created_ms' ? minutes : columns.column(x), columns.rows, { name: x, scale: x === 'weights' ? 'log' : 'linear' });
        axes = { x: over, y: up, steps: records(columns, x, maximize).steps.map((row) => ({ row, place: over.place[row] })) };
        note.textContent = `${caption()} Across: ${x === 'created_ms' ? 'minutes since the sweep began' : ACROSS[x]}.`;
      }
      cloud.show({ ...axes, mask: selection.mask, pins: selection.pins, slot: selection.slot, hovered: selection.hovered, hollow: (i) => status(i) === 'pruned', crossed: (i) => ['failed', 'diverged'].includes(status(i)) });
    };
    let waiting = 0;
    const ends = [onTheme(draw), cloud.stop, selection.subscribe((/** @type {string} */ change) => {
      if (change === 'hover') return cloud.light(selection.hovered);
      clearTimeout(waiting);
      waiting = window.setTimeout(draw, 120);
    })];
    draw();
    return { element, draw, stop: () => ends.forEach((end) => end()) };
  }
}
