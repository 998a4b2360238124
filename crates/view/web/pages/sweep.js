// @ts-check
// A sweep: which settings matter, and what to try next. Every chart follows one selection, which the address restores.
import { h, put } from '../dom.js';
import { Failure, get, live } from '../api.js';
import { dropCharts } from '../chart.js';
import { columnsOf } from '../columns.js';
import { count, duration, number, percent, plain, plural, when } from '../format.js';
import { keys } from '../keys.js';
import { card, commandLine, copy, failure, page } from '../page.js';
import { createSelection } from '../selection.js';
import { go, href, setParam } from '../state.js';
import { table } from '../table.js';
import { best, fromAddress, toAddress } from '../charts/brushes.js';
import { chips } from '../charts/chips.js';
import { correlationTable } from '../charts/correlations.js';
import { importanceTable } from '../charts/importance.js';
import { newSweepFile } from '../charts/newsweep.js';
import { parallel } from '../charts/parallel.js';
import { progress } from '../charts/progress.js';
import { slices } from '../charts/slices.js';

/** A sweep that goes on is asked for again at most this often. */
const REFRESH_MS = 4000;
/** Accuracies below this are not worth keeping; the assignment asks about these runs. */
const BAR = 0.65;

/** The table follows a drag once it rests. */
const LATER_MS = 100;

/**
 * What a reader chose, and keeps while new trials arrive.
 * @typedef {{brushes: Map<string, any>, pins: number[], order: string[], scales: Map<string, string>, across: string, wandb: boolean}} View
 */

/** @param {string[]} ids @param {Record<string, string>} params @returns {Promise<HTMLElement>} */
export async function sweepPage(ids, params) {
  const path = `/api/sweeps/${encodeURIComponent(ids[0])}`;
  const first = await get(path);
  const view = viewOf(params);
  const body = h('div', { class: 'sweep' });
  const root = page(first.name, body);
  let shown = build(first, view);
  put(body, shown.element);
  keys(root, {
    '.': () => shown.brushBest(),
    y: () => (first.best?.command ? void copy(first.best.command) : false),
    Escape: () => shown.clear(),
  });

  let [asked, waiting] = [Date.now(), 0];
  const again = () => {
    if (waiting) return;
    waiting = window.setTimeout(async () => {
      waiting = 0;
      // A reader who is dragging is not disturbed.
      if (body.matches(':active')) return again();
      asked = Date.now();
      const sweep = await get(path).catch(() => null);
      if (!sweep || !root.isConnected) return;
      const restore = place(body);
      shown.stop();
      dropCharts(body);
      shown = build(sweep, view);
      put(body, shown.element);
      restore();
    }, Math.max(0, asked + REFRESH_MS - Date.now()));
  };
  const gone = () => {
    shown.stop();
    dropCharts(body);
    put(body, failure(new Failure(`sweep \`${first.id}\` was removed`, 'the project page lists the sweeps that are there')));
  };
  live(root, { sweep: ({ id, status }) => id === first.id && (status === 'removed' ? gone() : again()), again });
  return root;
}

/** State of the view, to be restored once everything was made anew: focus, open parts, scroll position. @param {HTMLElement} body */
function place(body) {
  const name = (/** @type {Element} */ element) => `${element.className} ${element.getAttribute('aria-label') ?? element.textContent}`;
  const all = (/** @type {string} */ selector) => /** @type {any[]} */ ([...body.querySelectorAll(selector)]);
  const focused = document.activeElement && body.contains(document.activeElement) ? name(document.activeElement) : null;
  const open = all('details').map((details) => details.open);
  const scrolled = all('.table, .pc-scroll').map(({ scrollTop, scrollLeft }) => ({ scrollTop, scrollLeft }));
  return () => {
    all('details').forEach((details, i) => (details.open = open[i] ?? false));
    all('.table, .pc-scroll').forEach((element, i) => Object.assign(element, scrolled[i]));
    // The axes are made once their figure has a width.
    if (focused) requestAnimationFrame(() => requestAnimationFrame(() => all('a, button, summary, select, [tabindex]').find((element) => name(element) === focused)?.focus({ preventScroll: true })));
  };
}

/** @param {Record<string, string>} params @returns {View} */
function viewOf({ brush, axes, scale, x, view, pins }) {
  const list = (/** @type {string|undefined} */ text) => (text ?? '').split(',').filter(Boolean);
  return {
    brushes: fromAddress(brush),
    pins: list(pins).map(Number),
    order: list(axes),
    scales: new Map(list(scale).map((part) => /** @type {[string, string]} */ ([part.slice(0, part.lastIndexOf(':')), part.slice(part.lastIndexOf(':') + 1)]))),
    across: x ?? 'created_ms',
    wandb: view === 'wandb',
  };
}

/** Everything below the heading. @param {any} sweep the API's answer @param {View} view */
function build(sweep, view) {
  const columns = columnsOf(sweep.trials);
  const rows = columns.rows;
  if (!rows) return { element: h('p', {}, 'No trial has started yet. ', commandLine(sweep.command)), stop: () => {}, brushBest: () => {}, clear: () => {} };
  const maximize = sweep.goal === 'maximize';
  const metric = /** @type {any} */ (columns.column('metric'));
  const status = (/** @type {number} */ i) => columns.column('status')?.at(i);
  const said = (/** @type {number|null} */ x) => (/accuracy/.test(sweep.metric) ? percent(x) : number(x));
  const titled = (/** @type {string} */ name) => (name === 'metric' ? sweep.metric : name);
  const diverged = Array.from({ length: rows }, (_, i) => i).some((i) => metric.at(i) === null && status(i) === 'diverged');
  const absent = (/** @type {string} */ name) => (name === 'metric' && diverged ? 'NaN' : 'none');
  const label = (/** @type {number} */ i) => `trial ${columns.column('number')?.at(i)}: ${metric.at(i) === null ? '' : `${said(metric.at(i))}, `}${status(i)}`;
  const names = sweep.axes.map((/** @type {any} */ axis) => axis.name);

  const selection = createSelection(columns);
  selection.setBrushes(Object.fromEntries([...view.brushes].filter(([name]) => columns.column(name))));
  view.pins.filter((i) => i < rows).forEach((i) => selection.togglePin(i));
  const brushBest = () => {
    const top = best(metric, rows, 0.1, maximize);
    if (top) selection.setBrush('metric', top);
  };

  const bar = chips({ selection, rows, titled, absent, shortcuts: [
    { text: 'Best 10%', title: 'Key: .', brush: () => ['metric', best(metric, rows, 0.1, maximize)] },
    ...(maximize && /accuracy/.test(sweep.metric) ? [{ text: `Zoom to the runs under ${percent(BAR, 0)}`, title: 'The runs that did not learn well', brush: () => /** @type {[string, any]} */ (['metric', { low: null, high: BAR, missing: true }]) }] : []),
  ] });
  const lines = parallel({ columns, names, metric: 'metric', maximize, selection, titled, absent, said, label, view, onView: () => {
    setParam('axes', view.order.join(',') || null);
    setParam('scale', [...view.scales].map(([name, scale]) => `${name}:${scale}`).join(',') || null);
  } });
  const dotsOf = progress({ columns, metric: sweep.metric, maximize, selection, said, label, across: view.across, onAcross: (across) => {
    view.across = across;
    setParam('x', across === 'created_ms' ? null : across);
  } });
  const parameters = names.filter((/** @type {string} */ name) => name !== 'metric');
  const small = inSight(() => slices({ columns, names: parameters, metric: 'metric', maximize, selection, absent, said }));
  const file = newSweepFile({ sweep, columns, selection });
  const matters = h('div', {});
  const rank = () => put(matters, importanceTable(sweep.importance, { metric: sweep.metric, wandb: view.wandb, onView: (wandb) => {
    view.wandb = wandb;
    setParam('view', wandb ? 'wandb' : null);
    rank();
    /** @type {HTMLElement|null} */ (matters.querySelector('[aria-pressed=true]'))?.focus();
  } }));
  rank();
  const runs = /** @type {any} */ (columns.column('run'));
  // The table has the names that people know.
  const known = /** @type {Record<string, string>} */ ({ trial: 'number', [sweep.metric]: 'metric' });
  const list = table({
    columns: { ...columns, column: (/** @type {string} */ name) => columns.column(known[name] ?? name) },
    shown: ['trial', sweep.metric, 'status', ...(sweep.reused ? ['reused'] : []), ...parameters, 'seconds'],
    selection: slowly(selection),
    label: 'trials',
    sort: { name: sweep.metric, down: maximize },
    link: (/** @type {number} */ i) => (runs.at(i) ? href('run', runs.at(i)) : null),
    onOpen: (/** @type {number} */ i) => runs.at(i) && go(href('run', runs.at(i))),
  });

  let waiting = 0;
  const stop = selection.subscribe((/** @type {string} */ change) => {
    if (change === 'hover') return;
    view.brushes = selection.brushes;
    view.pins = selection.pins;
    clearTimeout(waiting);
    // Browsers allow only so many changes of the address a second.
    waiting = window.setTimeout(() => {
      setParam('brush', toAddress(selection.brushes) || null);
      setParam('pins', selection.pins.join(',') || null);
    }, 200);
  });

  const chart = card('Parallel coordinates', constants(sweep, columns), lines.element);
  const element = h('div', {},
    headline(sweep, said, (state) => selection.setBrush('status', { levels: [state] })),
    observations(sweep.observations, selection, chart),
    bar.element,
    card('Progress', dotsOf.element),
    chart,
    card('Trials', file.element, list),
    card('What matters', matters),
    card('Correlation matrix', correlationTable(sweep.matrix, sweep.metric)),
    card('Slices', small.element));
  return {
    element,
    brushBest,
    clear: () => (selection.brushes.size ? selection.clearBrushes() : false),
    stop: () => [stop, bar.stop, lines.stop, dotsOf.stop, small.stop, file.stop].forEach((end) => end()),
  };
}

/** A part of the page that is made once it comes into sight, so that the first paint does not wait for it. @param {() => {element: HTMLElement, stop: () => void}} make */
function inSight(make) {
  let made = /** @type {ReturnType<typeof make>|null} */ (null);
  const element = h('div', { class: 'in-sight' });
  const watch = new IntersectionObserver((entries) => {
    if (made || !entries.some(({ isIntersecting }) => isIntersecting)) return;
    watch.disconnect();
    made = make();
    element.append(made.element);
  }, { rootMargin: '400px' });
  watch.observe(element);
  return { element, stop: () => (watch.disconnect(), made?.stop()) };
}

/** A selection that tells of brushes a little later, for what is too slow to follow a drag. @param {any} selection */
function slowly(selection) {
  return Object.assign(Object.create(selection), {
    subscribe: (/** @type {(change: string) => void} */ listener) => {
      let waiting = 0;
      return selection.subscribe((/** @type {string} */ change) => {
        if (change !== 'brush') return listener(change);
        clearTimeout(waiting);
        waiting = window.setTimeout(() => listener(change), LATER_MS);
      });
    },
  });
}

/** Name, progress and best trial of the sweep. @param {any} sweep @param {(x: number|null) => string} said @param {(state: string) => void} onState */
function headline(sweep, said, onState) {
  const { counts, planned, best: top } = sweep;
  const states = Object.entries(counts).filter(([, n]) => n > 0).map(([state, n]) => h('button', { type: 'button', class: `state ${state}`, title: `Brush the ${state} trials`, on: { click: () => onState(state) } }, `${count(n)} ${state}`));
  const total = Object.values(counts).reduce((sum, n) => sum + Number(n), 0);
  const seconds = sweep.trials.columns.find((/** @type {any} */ column) => column.name === 'seconds')?.values.reduce((/** @type {number} */ sum, /** @type {number|null} */ x) => sum + (x ?? 0), 0);
  return h('header', { class: 'headline' },
    top ? h('p', { class: 'lead' }, 'Best: ', h('strong', {}, said(top.value)), ` ${sweep.metric}, `, top.run ? h('a', { href: href('run', top.run) }, `trial ${top.number}`) : `trial ${top.number}`, '.') : null,
    h('p', {}, states, h('span', { class: 'muted' }, ` ${planned && planned > total ? `of ${count(planned)} planned, ` : ''}${sweep.method}, ${sweep.goal} ${sweep.metric}; ${sweep.status}. Began ${when(sweep.created_ms)}; ${duration(seconds)} of training.${sweep.reused ? ` ${count(sweep.reused)} of them ${sweep.reused === 1 ? 'reuses' : 'reuse'} the result of an identical training.` : ''}`)),
    sweep.description ? h('p', { class: 'muted' }, sweep.description) : null,
    top?.command ? h('div', { class: 'best-command' }, h('span', { class: 'muted' }, 'Reproduce the best trial: '), commandLine(top.command)) : null);
}

/** Statements of rules about the sweep; each shows its evidence. @param {any[]} list @param {any} selection @param {HTMLElement} evidence */
function observations(list, selection, evidence) {
  if (!list?.length) return null;
  const show = (/** @type {any} */ brush) => {
    selection.setBrushes(brush);
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    evidence.scrollIntoView({ behavior: calm ? 'auto' : 'smooth', block: 'nearest' });
  };
  return card('What the trials say', h('ul', { class: 'observations' }, list.map(({ rule, text, href: address, brush, settled }) => h('li', { dataset: { rule } },
    brush ? h('button', { type: 'button', class: 'evidence', title: 'Show the evidence: brush these trials', on: { click: () => show(brush) } }, text) : address ? h('a', { href: address }, text) : text,
    settled === false ? h('span', { class: 'tag' }, 'not settled') : null))));
}

/** Settings that are the same in all trials, so they have no axis. @param {any} sweep @param {any} columns */
function constants(sweep, columns) {
  const same = Object.entries(sweep.parameters).filter(([name]) => !columns.column(name) || !sweep.axes.some((/** @type {any} */ axis) => axis.name === name || axis.name === `config.${name}`));
  if (!same.length) return null;
  const valueOf = (/** @type {any} */ part) => ('value' in part ? ` ${plain(part.value)}` : '');
  return h('p', { class: 'muted' }, `${plural(same.length, 'setting')} with the same value in all trials ${same.length === 1 ? 'has' : 'have'} no axis: ${same.map(([name, part]) => `${name}${valueOf(part)}`).join(', ')}.`);
}
