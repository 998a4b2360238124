// @ts-check
// A run: whether it learns, whether it is healthy, and how to make it again.

import { Failure, get, holds, isReport, live, post } from '../api.js';
import { trainingCharts } from '../charts/training.js';
import { h, put } from '../dom.js';
import { count, duration, number, percent, plain, plural, when, words } from '../format.js';
import { healthList } from '../health.js';
import { keys } from '../keys.js';
import { editLabels, tagList } from '../labels.js';
import { announce, card, commandLine, copy, facts, failure, plainTable, sentenceList, uncheckedNote } from '../page.js';
import { href, setParam } from '../state.js';
import { soon } from '../time.js';

/** A page asks again this often at most while its run trains. */
const REFRESH_MS = 150;

/** @param {string[]} ids @param {Record<string, string>} params @returns {Promise<HTMLElement>} */
export async function runPage(ids, params) {
  const path = `/api/runs/${encodeURIComponent(ids[0])}`;
  let run = await get(path);
  const report = isReport ? await get('/api/report') : null;
  const project = isReport ? {} : await get('/api/project').catch(() => ({}));
  const mayEdit = project.may_edit === true;
  const charts = trainingCharts();
  const top = h('header');
  const none = h('p', { class: 'muted' });
  const readout = h('p', { class: 'muted small', role: 'status' });
  const health = h('div');
  const test = h('div');
  const below = h('div');
  const root = h(
    'article',
    { class: 'page', dataset: { title: run.name || run.id } },
    top,
    h('div', { class: 'columns aside' }, h('div', null, h('h2', { class: 'hidden' }, 'Training'), none, charts.element, readout), h('div', { class: 'stack' }, card('Health', health), card('Test set', test))),
    below,
  );
  let marked = Number(params.epoch) || null;

  const again = soon(async () => {
    const next = await get(path).catch(() => null);
    if (next) show(next);
  }, REFRESH_MS);

  function edit() {
    editLabels(run, (labels) => show({ ...run, ...labels }));
  }

  /** @param {any} next */
  function show(next) {
    const ended = next.status !== run.status || !below.firstChild;
    run = next;
    put(top, heading(run, path, mayEdit ? edit : null, project.edit_refused));
    const empty = run.status !== 'running' && !run.curves.epoch.length;
    charts.element.hidden = empty;
    put(none, empty ? 'No epoch was finished, so there is nothing to draw.' : null);
    charts.follow(run);
    put(health, healthList(run.health));
    say();
    if (!ended) return;
    put(test, testSet(run, path));
    put(below, configuration(run), provenance(run, report));
  }

  function gone() {
    put(root, h('h1', { tabindex: '-1' }, run.name || run.id), failure(new Failure(`run \`${run.id}\` was removed`, 'the project page lists the runs that are there')));
  }

  /** @param {number} by */
  function step(by) {
    const { epoch } = run.curves;
    if (!epoch.length) return;
    const at = marked === null ? (by > 0 ? 0 : epoch.length - 1) : Math.min(Math.max(epoch.indexOf(marked) + by, 0), epoch.length - 1);
    marked = epoch[at];
    setParam('epoch', String(marked));
    charts.mark(marked);
    say();
  }

  function say() {
    const { curves } = run;
    const i = marked === null ? -1 : curves.epoch.indexOf(marked);
    put(readout, i < 0 ? null : `Epoch ${marked}: loss ${number(curves.val_loss[i])} (training ${number(curves.train_loss[i])}), accuracy ${percent(curves.val_accuracy[i], 2)} (training ${percent(curves.train_accuracy[i], 2)}), ${duration(curves.seconds[i])} in.`);
  }

  show(run);
  if (marked !== null) charts.mark(marked);
  live(root, { run: (event) => event.id === run.id && (event.status === 'removed' ? gone() : again()), again });
  keys(root, {
    '[': () => step(-1),
    ']': () => step(1),
    l: () => charts.toggleLog(),
    y: () => void copy(run.command),
    e: () => (mayEdit ? edit() : false),
    Escape: () => {
      if (marked === null) return false;
      marked = null;
      setParam('epoch', null);
      charts.mark(null);
      say();
    },
  });
  return root;
}

/** @param {any} run @param {string} path @param {(() => void) | null} edit @param {string} [refused] why nothing can be edited */
function heading(run, path, edit, refused) {
  const epochs = run.status === 'running' ? `epoch ${run.epochs} of ${run.planned}` : plural(run.epochs, 'epoch');
  return [
    h(
      'p',
      { class: 'eyebrow' },
      h('span', { class: `state ${run.status}` }, run.status),
      h('a', { href: href('data', run.dataset) }, run.dataset),
      h('span', null, epochs),
      h('span', null, duration(run.seconds)),
      h('span', null, when(run.started_ms)),
      run.sweep ? h('a', { href: href('sweep', run.sweep) }, 'its sweep') : null,
      run.group ? h('span', null, `group ${run.group}`) : null,
      tagList(run.tags),
    ),
    h('h1', { tabindex: '-1' }, run.name || run.id),
    run.status === 'running' && run.planned ? h('progress', { max: run.planned, value: run.epochs, 'aria-label': 'epochs', style: { 'margin-top': '10px' } }) : null,
    sentenceList(run.headline),
    run.notes ? h('p', { style: { 'margin-top': '8px', 'white-space': 'pre-wrap', 'max-width': '80ch' } }, run.notes) : null,
    h(
      'p',
      { class: 'bar', style: { margin: '14px 0 0' } },
      holds(`${path}/errors`) ? h('a', { class: 'button', href: href('run', run.id, 'errors') }, 'What it gets wrong') : null,
      edit || refused ? h('button', { type: 'button', disabled: !edit, on: { click: () => edit?.() } }, 'Name, tags, notes') : null,
      refused ? h('span', { class: 'muted small', role: 'status' }, `${refused}.`) : null,
    ),
  ];
}

/** The test set stays shut until somebody asks: tuning on it is how results come out too good. @param {any} run @param {string} path */
function testSet(run, path) {
  const place = h('div');
  if (run.test) {
    const show = h('button', { type: 'button', on: { click: () => put(place, testResult(run)) } }, 'Show the test accuracy');
    put(place, h('p', { class: 'muted', style: { 'margin-bottom': '10px' } }, 'Was opened for this run. Choose by validation; look here once, at the end.'), show);
    return place;
  }
  if (!run.may_open_test) {
    put(place, h('p', { class: 'muted' }, 'Not opened for this run.'));
    return place;
  }
  const open = h('button', { type: 'button', on: { click: ask } }, 'Open it for this run');
  const problem = h('div');
  put(place, h('p', { class: 'muted', style: { 'margin-bottom': '10px' } }, 'Not opened for this run. Every opening is counted: results of a test set that was looked at often are too good.'), open, problem);
  async function ask() {
    open.disabled = true;
    put(open, 'Evaluating…');
    try {
      await post(`${path}/test`);
      const now = await get(path);
      put(place, testResult(now));
      announce(`test accuracy ${percent(now.test?.accuracy)}`);
    } catch (error) {
      open.disabled = false;
      put(open, 'Open it for this run');
      put(problem, failure(error));
    }
  }
  return place;
}

/** @param {any} run */
function testResult({ id, test }) {
  return [
    h('p', { class: 'figure-large' }, percent(test.accuracy, 2)),
    h('p', { class: 'muted' }, `95% interval ${percent(test.low)} to ${percent(test.high)}${test.loss === null ? '' : `; loss ${number(test.loss)}`}.`),
    h('p', { class: 'muted' }, `This test set was opened ${plural(test.openings, 'time')} in all.`),
    h('p', null, h('a', { href: `${href('run', id, 'errors')}?set=test` }, 'Errors on the test set')),
  ];
}

/** @param {any} run */
function configuration(run) {
  const rows = run.differs.map((/** @type {any} */ each) => [words(each.name), h('span', { class: 'changed' }, plain(each.value)), plain(each.default)]);
  const all = Object.entries(run.config).map(([name, value]) => [words(name), plain(value)]);
  return h(
    'div',
    { class: 'columns' },
    card(
      'Configuration',
      rows.length ? plainTable(['differs from the default', 'here', 'default'], rows) : h('p', { class: 'muted' }, 'All settings are the defaults.'),
      h('p', { class: 'muted small', style: { 'margin-top': '10px' } }, `Layers ${run.layers.join(' → ')}: ${count(run.parameters)} weights and biases.`),
      h('details', { class: 'as-table' }, h('summary', null, `all ${all.length} settings`), plainTable(['setting', 'value'], all)),
    ),
    card('Reproduce this run', commandLine(run.command), run.typed && run.typed !== run.command ? h('p', { class: 'muted small', style: { 'margin-top': '8px' } }, 'Original command: ', h('code', null, run.typed)) : null),
  );
}

/** @param {any} run @param {any} report the lists of what cannot be checked, in a report */
function provenance(run, report) {
  const short = (/** @type {string | null} */ hash) => (hash ? h('code', { title: hash }, hash.slice(0, 16)) : '–');
  return card(
    'Provenance',
    facts([
      ['run', h('code', null, run.id)],
      ...(run.parent ? [/** @type {[string, any]} */ (['continues run', h('code', null, run.parent)])] : []),
      ['program', `handloom ${run.version ?? '–'}`],
      ['commit', run.git_commit ? h('code', { title: run.git_commit }, run.git_commit.slice(0, 12)) : '–'],
      ['instruction set', run.isa ?? '–'],
      ['host', run.host ?? '–'],
      ['seed', plain(run.config.seed)],
      ['started', when(run.started_ms)],
      ['ended', when(run.ended_ms)],
      ['SHA-256 of the data', short(run.data_sha256)],
      ['SHA-256 of the weights', short(run.weights_sha256)],
    ]),
    report ? uncheckedNote(report) : null,
  );
}
