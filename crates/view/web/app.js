// @ts-check
// The shell: which page is shown, what leads to the others, and what is said when something fails.

import { events, get, holds, isReport } from './api.js';
import { dropCharts } from './chart.js';
import { h, put } from './dom.js';
import { showHelp } from './help.js';
import { keys } from './keys.js';
import { announce, failure, page } from './page.js';
import { comparePage } from './pages/compare.js';
import { dataPage } from './pages/data.js';
import { errorsPage } from './pages/errors.js';
import { projectPage } from './pages/project.js';
import { runPage } from './pages/run.js';
import { sweepPage } from './pages/sweep.js';
import { startTheme, toggleTheme } from './palette.js';
import { go, href, onRoute, route } from './state.js';

/** @type {Record<string, (ids: string[], params: Record<string, string>) => Promise<HTMLElement>>} */
const PAGES = { project: projectPage, run: runPage, errors: errorsPage, sweep: sweepPage, compare: comparePage, data: dataPage };

/** A page that takes longer than this says so. */
const PATIENCE_MS = 250;

const app = /** @type {HTMLElement} */ (document.getElementById('app'));
/** The run, sweep and data set that the rail leads to: the last ones seen. @type {Record<string, string | undefined>} */
const seen = {};
/** True once the contents of the store are known: until then all of the rail is shown, so that it does not jump. */
let oriented = false;
let turn = 0;
let shown = '';

/** @param {import('./state.js').Route} to */
async function show(to) {
  const mine = ++turn;
  const place = [to.page, ...to.ids].join('/');
  const wait = setTimeout(() => mine === turn && app.setAttribute('aria-busy', 'true'), PATIENCE_MS);
  if (!shown && to.page !== 'project') put(app);
  /** @type {HTMLElement} */
  let element;
  try {
    element = await (PAGES[to.page] ?? missingPage)(to.ids, to.params);
  } catch (error) {
    if (!(/** @type {any} */ (error)?.hint !== undefined)) console.error(error);
    element = page('This page could not be shown', failure(error), h('p', null, h('a', { href: '#/' }, 'To the project')));
  }
  clearTimeout(wait);
  if (mine !== turn) return;
  app.removeAttribute('aria-busy');
  dropCharts(app);
  put(app, element);
  const title = element.dataset.title ?? '';
  document.title = title ? `${title} · Handloom` : 'Handloom';
  remember(to);
  if (shown && shown !== place) {
    scrollTo(0, 0);
    /** @type {HTMLElement | null} */ (element.querySelector('h1'))?.focus({ preventScroll: true });
    announce(title);
  }
  shown = place;
}

/** @returns {Promise<HTMLElement>} */
async function missingPage() {
  return page('There is no such page', h('p', null, h('a', { href: '#/' }, 'To the project')));
}

/** Points the rail at what was seen. @param {import('./state.js').Route} [to] */
function remember(to) {
  if (to?.page === 'run' || to?.page === 'errors') seen.run = to.ids[0];
  if (to?.page === 'sweep') seen.sweep = to.ids[0];
  if (to?.page === 'data' && to.ids[0]) seen.data = to.ids[0];
  for (const link of document.querySelectorAll('.rail a[data-page]')) {
    const name = /** @type {HTMLElement} */ (link).dataset.page ?? '';
    const address = addressOf(name);
    link.toggleAttribute('hidden', address === null && oriented);
    if (address) link.setAttribute('href', address);
    if (to && name === to.page) link.setAttribute('aria-current', 'page');
    else if (to) link.removeAttribute('aria-current');
  }
}

/** @param {string} name @returns {string | null} */
function addressOf(name) {
  if (name === 'project') return '#/';
  if (name === 'run') return seen.run ? href('run', seen.run) : null;
  if (name === 'errors') return seen.run && holds(`/api/runs/${encodeURIComponent(seen.run)}/errors`) ? href('run', seen.run, 'errors') : null;
  if (name === 'sweep') return seen.sweep ? href('sweep', seen.sweep) : null;
  if (name === 'data') return seen.data ? href('data', seen.data) : holds('/api/data') ? '#/data' : null;
  return holds('/api/compare') ? '#/compare' : null;
}

/** Learns where the rail leads before anything was seen. */
async function orient() {
  const { best, sweeps } = await get('/api/project');
  oriented = true;
  seen.run ??= best ?? undefined;
  seen.sweep ??= sweeps[0]?.id;
  remember();
}

function listenForKeys() {
  /** @type {Record<string, () => void>} */
  const jumps = {};
  for (const [key, name] of Object.entries({ p: 'project', r: 'run', e: 'errors', s: 'sweep', c: 'compare', d: 'data' })) {
    jumps[`g ${key}`] = () => go(addressOf(name) ?? '#/');
  }
  keys(document.body, { '?': showHelp, t: toggleTheme, ...jumps });
  document.querySelector('[data-act=theme]')?.addEventListener('click', toggleTheme);
  document.querySelector('[data-act=help]')?.addEventListener('click', showHelp);
  document.querySelector('.skip')?.addEventListener('click', (event) => {
    event.preventDefault();
    app.focus();
  });
}

/** Says when the server is gone, since what is shown may then be old. */
function watchConnection() {
  const note = h('p', { class: 'lost', role: 'status' }, 'The server does not answer; what you see may be old.');
  const gone = h('p', { class: 'lost', role: 'status' }, 'The store was removed; what you see is what was in it.');
  let timer = 0;
  events({
    store({ state }) {
      if (state === 'removed') {
        document.body.append(gone);
        return;
      }
      gone.remove();
      show(route());
      orient().catch(() => {});
    },
    link(connected) {
      clearTimeout(timer);
      if (connected) note.remove();
      else timer = window.setTimeout(() => document.body.append(note), 2000);
    },
  });
}

startTheme();
listenForKeys();
onRoute(show);
show(route());
orient().catch(() => {});
if (!isReport) watchConnection();
