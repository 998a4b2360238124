// @ts-check
// The project: what is best, what runs now, and everything that was tried.

import { FIRST_ROWS, get, isReport, live } from '../api.js';
import { gaps, history } from '../charts/history.js';
import { runCurves } from '../charts/curves.js';
import { columnsOf, withoutRow, withRow } from '../columns.js';
import { h, put } from '../dom.js';
import { count, duration, number, percent, plural, when } from '../format.js';
import { keys } from '../keys.js';
import { editLabels } from '../labels.js';
import { announce, card, commandLine, copy, page, sentenceList, sentenceText, uncheckedNote } from '../page.js';
import { runsTable } from '../runstable.js';
import { createSelection } from '../selection.js';
import { href, setParam } from '../state.js';
import { soon } from '../time.js';

/** Rows that came live are put in together, this often at most. */
const GATHER_MS = 120;
/** A run that begins while somebody looks is pinned, unless so many are. */
const MOST_FOLLOWED = 4;

/** @param {string[]} ids @param {Record<string, string>} params @returns {Promise<HTMLElement>} */
export async function projectPage(ids, params) {
  const [project, runs] = await Promise.all([get('/api/project'), get(isReport ? '/api/runs' : `/api/runs?first=${FIRST_ROWS}`)]);
  if (!project.runs) return emptyPage(project);

  const top = h('header');
  const strip = h('div');
  const sweeps = h('div');
  const curves = runCurves(params);
  const created = history(params);
  const gap = gaps();
  const table = runsTable(params, { edit: project.may_edit ? edit : null, nowMs: project.now_ms });
  const charts = h('div', { class: 'columns three' }, h('h2', { class: 'hidden' }, 'Charts'), curves.element, created.element, gap.element);
  const note = isReport ? uncheckedNote(await get('/api/report')) : null;
  const root = h('article', { class: 'page', dataset: { title: 'Project' } }, top, strip, charts, table.element, sweeps, note);
  let json = runs;
  /** @type {any} */
  let columns = null;
  /** @type {any} */
  let selection = null;

  /** Shows these runs, with what was pinned before, and what has just begun. @param {any} next @param {string[]} [begun] */
  function load(next, begun = []) {
    json = next;
    columns = columnsOf(json);
    const ids = columns.column('id');
    const rowOf = new Map(Array.from({ length: columns.rows }, (_, i) => [ids.at(i), i]));
    const before = selection;
    const hovered = before?.hovered ?? null;
    const pinned = before ? [...pinnedIds(), ...absent, ...begun] : (params.pins ?? firstPins(project, columns)).split(',');
    const over = hovered === null ? null : known.at(hovered);
    known = ids;
    selection = createSelection(columns);
    absent = pinned.filter((/** @type {string} */ id) => !rowOf.has(id));
    for (const id of pinned) if (rowOf.has(id)) selection.togglePin(rowOf.get(id));
    if (over !== null) selection.setHovered(rowOf.get(over) ?? null);
    selection.subscribe((/** @type {string} */ change) => {
      if (change === 'pins') setParam('pins', pinnedIds().join(','));
    });
    table.follow(columns, selection, json.same);
    for (const each of [curves, created, gap]) each.follow(columns, selection);
    put(strip, running(columns));
  }
  /** The ids of the runs that are shown. @type {any} */
  let known = null;
  /** Pinned runs that are not among the first rows. @type {string[]} */
  let absent = [];
  const pinnedIds = () => selection.pins.map((/** @type {number} */ i) => known.at(i));

  /** @param {any} next */
  function say(next) {
    put(top, headline(next));
    put(sweeps, sweepList(next.sweeps));
  }

  /** @param {number} i */
  function edit(i) {
    const { id, name, tags, notes } = columns.row(i);
    editLabels({ id, name, tags: String(tags ?? '').split(' ').filter(Boolean), notes }, (labels) => load(withRow(json, { ...columns.row(i), ...labels, tags: labels.tags.join(' ') })));
  }

  say(project);
  load(runs);
  if (runs.all > runs.rows) get('/api/runs').then((all) => load(all)).catch(() => {});

  /** @type {Map<string, any>} */
  const arrived = new Map();
  const takeIn = soon(() => {
    let next = json;
    let strange = false;
    const begun = [];
    const now = columnsOf(json);
    for (const [id, { row, status, epochs, planned }] of arrived) {
      const at = Array.from({ length: now.rows }, (_, i) => i).find((i) => now.column('id')?.at(i) === id);
      if (status === 'removed') {
        next = withoutRow(next, id);
        continue;
      }
      if (!row && at === undefined) continue;
      if (at === undefined && status === 'running' && selection.pins.length + begun.length < MOST_FOLLOWED) begun.push(id);
      const whole = { ...(at === undefined ? {} : now.row(at)), status, epochs, planned, ...row };
      strange ||= Object.entries(row ?? {}).some(([name, value]) => !now.names.includes(name) && JSON.stringify(json.same[name]) !== JSON.stringify(value));
      next = withRow(next, whole);
      curves.grown(id);
    }
    arrived.clear();
    if (!next.rows) return location.reload();
    load(next, begun);
    if (strange) reload();
  }, GATHER_MS);
  const reload = soon(() => get('/api/runs').then((all) => load(all)).catch(() => {}), 1000);
  const again = soon(() => get('/api/project').then(say).catch(() => {}), 1000);
  live(root, {
    run(event) {
      arrived.set(event.id, event);
      takeIn();
      again();
    },
    sweep: again,
    again() {
      again();
      reload();
    },
  });
  keys(root, {
    l: () => curves.toggleLog(),
    y: () => {
      copyCommand(columns, selection);
    },
  });
  return root;
}

/** The best run, and what is running: what a reader looks for first. @param {any} project @param {any} columns */
function firstPins(project, columns) {
  const running = [];
  for (let i = 0; i < columns.rows && running.length < 3; i++) if (columns.column('status').at(i) === 'running') running.push(columns.column('id').at(i));
  return [project.best, ...running].filter(Boolean).join(',');
}

/** @param {any} project */
function headline(project) {
  const [lead, ...rest] = project.headline;
  const about = [project.datasets.join(', '), `${plural(project.runs, 'run')}`, project.sweeps.length ? plural(project.sweeps.length, 'sweep') : '', project.running ? `${count(project.running)} running` : ''];
  return [
    h('p', { class: 'eyebrow' }, about.filter(Boolean).map((text) => h('span', null, text))),
    h('h1', { tabindex: '-1' }, lead ? sentenceText(lead) : 'Runs'),
    sentenceList(rest),
    project.edit_refused ? h('p', { class: 'muted small', role: 'status' }, `${project.edit_refused}.`) : null,
  ];
}

/** Runs that train now, with their progress. @param {any} columns */
function running(columns) {
  const lines = [];
  for (let i = 0; i < columns.rows; i++) {
    if (columns.column('status').at(i) !== 'running') continue;
    const { id, name, epochs, planned, seconds, val_accuracy: accuracy } = columns.row(i);
    const left = epochs > 0 && planned && seconds ? `, about ${duration(((planned - epochs) * seconds) / epochs)} left` : '';
    lines.push(h('a', { href: href('run', id) }, h('span', { class: 'line' }, h('span', null, h('span', { class: 'state running' }, name || id)), h('b', null, percent(accuracy))), h('progress', { max: planned ?? 1, value: epochs ?? 0, 'aria-label': `epochs of ${name || id}` }), h('span', { class: 'muted small' }, `epoch ${epochs ?? 0} of ${planned ?? '?'}${left}`)));
  }
  return lines.length ? h('div', { class: 'strip', role: 'group', 'aria-label': 'Running now' }, lines) : null;
}

/** @param {any[]} sweeps */
function sweepList(sweeps) {
  if (!sweeps.length) return null;
  const best = (/** @type {any} */ { best, metric }) => (best === null ? '–' : metric.endsWith('accuracy') ? percent(best?.value ?? best, 2) : number(best?.value ?? best));
  const head = ['sweep', 'status', 'method', 'trials', 'best', 'created'].map((text) => h('th', { scope: 'col' }, text));
  const rows = sweeps.map((sweep) => h('tr', null, h('td', null, h('a', { href: href('sweep', sweep.id) }, sweep.name || sweep.id)), h('td', null, h('span', { class: `state ${sweep.status}` }, sweep.status)), h('td', null, sweep.method), h('td', null, count(sweep.trials)), h('td', null, `${best(sweep)} ${sweep.metric}`), h('td', null, when(sweep.created_ms))));
  return card('Sweeps', h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table of sweeps' }, h('table', { class: 'plain wide' }, h('thead', null, h('tr', null, head)), h('tbody', null, rows))));
}

/** @param {any} columns @param {any} selection */
async function copyCommand(columns, selection) {
  const i = selection.hovered ?? selection.pins[0];
  if (i === undefined || i === null) return announce('no run is chosen');
  const { command } = await get(`/api/runs/${encodeURIComponent(columns.column('id').at(i))}`);
  copy(command);
}

/** @param {any} project */
function emptyPage(project) {
  const root = page('Nothing trained yet', h('p', { class: 'muted' }, 'This trains a good model on Fashion-MNIST in seconds; the page shows it while it learns.'), commandLine('handloom train'), h('p', { class: 'muted small' }, `Store: ${project.store}`));
  root.classList.add('empty');
  // The first run of a store turns this page into the project.
  live(root, { run: () => location.reload() });
  return root;
}
