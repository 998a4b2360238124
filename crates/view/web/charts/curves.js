// @ts-check
// Curves of many runs: what is pinned in color, all else as grey context, and a word on how many are drawn of how many.

import { get, isReport } from '../api.js';
import { chart } from '../chart.js';
import { h, put } from '../dom.js';
import { SHARES, brief, count, duration, number, percent, plural, words } from '../format.js';
import { announce, choice } from '../page.js';
import { pinStyle, themed } from '../palette.js';
import { href, setParam } from '../state.js';
import { settled } from '../time.js';
import { context, course, joined, lineKey, pinnedLine } from './series.js';

/** The API gives this many curves at once; more lines than this say nothing either. */
const MOST = 200;
const METRICS = ['val_accuracy', 'val_loss', 'train_accuracy', 'train_loss'];

/**
 * Curves of the runs that pass the filter.
 * @param {Record<string, string>} params
 */
export function runCurves(params) {
  let metric = METRICS.includes(params.curve) ? params.curve : METRICS[0];
  let across = params.x === 'seconds' ? 'seconds' : 'epoch';
  let log = params.ylog === '1';
  /** @type {Map<string, any>} */
  const known = new Map();
  /** @type {any} */
  let columns = null;
  /** @type {any} */
  let selection = null;
  let end = () => {};
  let problem = '';

  const share = () => metric.endsWith('accuracy');
  const said = (/** @type {number} */ value) => (share() ? percent(value, 2) : number(value));

  const key = h('div');
  const tools = [
    choice('of', METRICS.map((name) => [name, words(name)]), metric, (value) => {
      metric = value;
      known.clear();
      setParam('curve', value === METRICS[0] ? null : value);
      fetchThenDraw();
    }),
    choice('by', [['epoch', 'epoch'], ['seconds', 'seconds']], across, (value) => {
      across = value;
      setParam('x', value === 'epoch' ? null : value);
      draw();
    }),
  ];
  const figure = chart({ title: 'Curves', traces: () => traces(), layout: layout(), caption: '', table: () => tableOf(), tools, height: 220, over: () => (selection?.hovered === null ? null : over(selection.hovered)), onHover: (point) => hover(point), onPoint: (point) => point.custom !== null && selection.togglePin(point.custom) });
  const element = h('div', { class: 'curves' }, figure, key);

  /** The rows that are drawn: what is pinned, then the latest that pass. */
  function drawn() {
    const rows = [...selection.pins];
    for (let i = 0; i < columns.rows && rows.length < MOST; i++) if (selection.mask[i] && selection.slot(i) < 0 && (columns.column('epochs')?.at(i) ?? 1) > 0) rows.push(i);
    return rows;
  }

  const id = (/** @type {number} */ i) => columns.column('id').at(i);
  const nameOf = (/** @type {number} */ i) => columns.column('name').at(i) || id(i);

  async function fetchThenDraw() {
    const missing = drawn().map(id).filter((each) => !known.has(each));
    const asked = metric;
    try {
      if (missing.length) {
        // A report has the curves of all its runs in one answer.
        const wanted = isReport ? '' : `runs=${missing.map(encodeURIComponent).join(',')}&`;
        const { runs } = await get(`/api/curves?${wanted}metric=${metric}`);
        if (asked !== metric) return;
        runs.forEach((/** @type {any} */ run) => known.set(run.id, run));
      }
      problem = '';
    } catch (error) {
      problem = /** @type {Error} */ (error).message;
    }
    draw();
  }

  /** @param {number} i */
  function line(i) {
    const run = known.get(id(i));
    return run && { x: run[across], y: run.value, custom: i };
  }

  function traces() {
    if (!selection) return [];
    const rows = drawn();
    const grey = rows.filter((i) => selection.slot(i) < 0).map(line).filter(Boolean);
    const hovertemplate = `%{text}<br>${across} %{x}: %{y}<extra></extra>`;
    const { customdata, ...points } = joined(grey);
    const list = [{ ...points, customdata, text: customdata.map((i) => (i === null ? '' : nameOf(i))), type: 'scatter', mode: 'lines', line: { color: context(), width: 1 }, hovertemplate, name: 'other runs' }];
    const bright = selection.pins.map((/** @type {number} */ i) => [i, line(i)]).filter((/** @type {any} */ [, each]) => each);
    for (const [i, each] of bright) {
      list.push(/** @type {any} */ ({ x: each.x, y: each.y, customdata: each.y.map(() => i), text: each.y.map(() => nameOf(i)), type: 'scatter', hovertemplate, name: nameOf(i), ...pinnedLine(selection.slot(i), each.y.length) }));
    }
    return list;
  }

  /** The line of a run without what is missing. @param {number} i */
  function over(i) {
    const { x, y } = line(i) ?? { x: [], y: [] };
    const there = y.map((/** @type {any} */ _, /** @type {number} */ k) => k).filter((/** @type {number} */ k) => y[k] !== null);
    return { x: there.map((/** @type {number} */ k) => x[k]), y: there.map((/** @type {number} */ k) => y[k]) };
  }

  function layout() {
    return {
      xaxis: { title: across === 'epoch' ? 'epoch' : 'seconds of training' },
      yaxis: { title: words(metric), tickformat: share() ? SHARES : '', hoverformat: share() ? ',.2%' : '.4g', type: log ? 'log' : 'linear' },
      uirevision: `${metric} ${across} ${log}`,
    };
  }

  function caption() {
    if (problem) return `The curves could not be had: ${problem}.`;
    const rows = drawn();
    const all = selection.count;
    const others = rows.length - selection.pins.length;
    const best = selection.pins.find((/** @type {number} */ i) => known.has(id(i)));
    const how = best === undefined ? '' : `${brief(nameOf(best), 32)}: ${words(metric)} ${course(known.get(id(best)).epoch, known.get(id(best)).value, said, 'epoch', share())}. `;
    const grey = others < all - selection.pins.length ? `the latest ${count(others)} of ${count(all)}` : count(Math.max(others, 0));
    if (!selection.pins.length) return `${grey[0].toUpperCase()}${grey.slice(1)} runs in grey; pin one to see it in color.`;
    return `${how}${plural(selection.pins.length, 'pinned run')} in color over ${grey} in grey.`;
  }

  function tableOf() {
    const rows = drawn().filter((i) => known.has(id(i)));
    return {
      head: ['run', 'epochs', 'first', 'best', 'last', 'seconds'],
      rows: rows.map((i) => {
        const { value, seconds } = known.get(id(i));
        const real = value.filter((/** @type {any} */ y) => y !== null);
        const best = real.length ? real.reduce((/** @type {number} */ a, /** @type {number} */ b) => (share() ? Math.max(a, b) : Math.min(a, b))) : null;
        return [nameOf(i), value.length, said(value[0]), said(best), said(value.at(-1)), duration(seconds.at(-1))];
      }),
    };
  }

  /** @param {import('../chart.js').Point | null} point */
  function hover(point) {
    selection.setHovered(point?.custom ?? null);
  }

  function draw() {
    if (!selection) return;
    figure.update({ caption: caption(), layout: layout() });
    put(key, selection.pins.length ? lineKey(selection.pins.map((/** @type {number} */ i) => ({ name: nameOf(i), style: pinStyle(selection.slot(i)), href: href('run', id(i)), onHover: (/** @type {boolean} */ on) => selection.setHovered(on ? i : null) }))) : null);
  }

  themed(element, draw);
  const lazily = settled(fetchThenDraw, 120);
  return {
    element,
    /** Shows these runs. @param {any} nextColumns @param {any} next */
    follow(nextColumns, next) {
      end();
      [columns, selection] = [nextColumns, next];
      end = selection.subscribe((/** @type {string} */ change) => {
        if (change === 'hover') figure.lift();
        else if (change === 'pins') fetchThenDraw();
        else lazily();
      });
      fetchThenDraw();
    },
    /** A run has more epochs than were drawn. @param {string} run */
    grown(run) {
      if (known.delete(run) || columns) lazily();
    },
    /** Goes to a logarithmic axis and back. */
    toggleLog() {
      log = !log;
      setParam('ylog', log ? '1' : null);
      announce(log ? 'logarithmic axis' : 'linear axis');
      draw();
    },
  };
}
