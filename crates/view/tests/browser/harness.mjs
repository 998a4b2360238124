// Shared parts of the browser tests: the program that serves a store, a browser, and pages whose every complaint counts.
//
// `.ci/browser.sh` sets HANDLOOM_TEST_PROGRAM, HANDLOOM_TEST_STORE (generated runs, a sweep, and runs with models),
// HANDLOOM_TEST_LARGE_STORE (a sweep of 10,000 trials), HANDLOOM_TEST_CHROMIUM, and HANDLOOM_TEST_MODULES, a folder
// outside the repository with playwright-core and axe-core.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

const need = (name) => process.env[name] ?? assert.fail(`${name} is not set: run \`.ci/browser.sh\``);
const require = createRequire(join(need('HANDLOOM_TEST_MODULES'), 'package.json'));

/** The program, and a store that tests only read. */
export const program = need('HANDLOOM_TEST_PROGRAM');
export const store = need('HANDLOOM_TEST_STORE');
/** A store with a sweep of 10,000 trials, which tests only read. */
export const largeStore = need('HANDLOOM_TEST_LARGE_STORE');

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** A page is settled once nothing has changed in it for this long. */
const QUIET_MS = 250;
const PATIENCE_MS = 10_000;

/** A browser of its own, with an empty profile. */
export function browser() {
  const { chromium } = require('playwright-core');
  return chromium.launch({ executablePath: need('HANDLOOM_TEST_CHROMIUM'), headless: true, args: ARGUMENTS });
}

/** Runs the program to its end, and gives what it wrote to stdout. */
export async function run(...words) {
  const { stdout } = await promisify(execFile)(program, words, { env: quiet(), maxBuffer: 1 << 26 });
  return stdout;
}

/** Starts the program, for a test that looks on. */
export function start(...words) {
  return spawn(program, words, { env: quiet(), stdio: ['ignore', 'pipe', 'pipe'] });
}

function quiet() {
  return { ...process.env, NO_COLOR: '1', HANDLOOM_NO_BROWSER: '1' };
}

/** `handloom ui` on a free port, once it listens. */
export async function serve(at = store, ...flags) {
  const child = start('ui', '--store', at, '--port', '0', '--no-open', ...flags);
  let said = '';
  const url = await new Promise((resolve, reject) => {
    const hear = (chunk) => {
      said += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
      if (found) resolve(found[0]);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => reject(new Error(`\`handloom ui\` ended with ${code}: ${said}`)));
    setTimeout(() => reject(new Error(`\`handloom ui\` did not say where it listens: ${said}`)), PATIENCE_MS).unref();
  });
  const get = async (path) => {
    const response = await fetch(url + path);
    assert.equal(response.status, 200, path);
    return response.json();
  };
  const stop = () =>
    new Promise((resolve) => {
      if (child.exitCode !== null) resolve();
      child.once('exit', resolve);
      child.kill('SIGTERM');
    });
  return { url, get, stop };
}

/** A column of an answer by its name, as a list of values. */
export function column(columns, name) {
  const found = columns.columns.find((one) => one.name === name);
  if (!found) return null;
  return found.kind === 'category' ? found.codes.map((code) => found.levels[code] ?? null) : found.values;
}

/** Addresses of the pages: a run with a model, another one, and the sweep. */
export async function places({ get }) {
  const project = await get('/api/project');
  const runs = await get('/api/runs');
  const [ids, datasets, epochs] = ['id', 'dataset', 'epochs'].map((name) => column(runs, name));
  const trained = ids.filter((_, i) => datasets?.[i] === 'garments' && epochs[i] >= 2);
  assert.ok(trained.length >= 2, 'the store has two runs with models');
  const [sweep] = project.sweeps;
  const [a, b] = trained;
  const pages = {
    project: '#/',
    run: `#/run/${a}`,
    errors: `#/run/${a}/errors`,
    sweep: `#/sweep/${sweep.id}`,
    compare: `#/compare/${a}/${b}`,
    data: '#/data/garments',
  };
  return { pages, a, b, sweep: sweep.id };
}

/** Opens an address and waits until it is settled. `complaints` gets what no page may do. */
export async function visit(browser, address, { theme = 'light', size = [1280, 720], offline = false } = {}) {
  const [width, height] = size;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: 'reduce',
    offline,
    acceptDownloads: true,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints = [];
  const home = new URL(address);
  const inside = (url) => {
    if (['data:', 'blob:', 'about:'].includes(url.protocol)) return true;
    return home.protocol === 'file:' ? url.pathname === home.pathname : url.origin === home.origin;
  };
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.stack ?? error}`));
  page.on('request', (request) => {
    if (!inside(new URL(request.url()))) complaints.push(`outside request: ${request.url()}`);
  });
  page.on('requestfailed', (request) => {
    // A stream of events ends when its page is left.
    if (!request.url().endsWith('/api/events')) complaints.push(`failed request: ${request.url()}`);
  });
  await page.goto(address, { waitUntil: 'load' });
  await settled(page);
  return { page, complaints, close: () => context.close() };
}

/** Waits for a heading, and then until nothing changes any more. */
export async function settled(page) {
  await page.getByRole('heading', { level: 1 }).first().waitFor({ timeout: PATIENCE_MS });
  await page.evaluate(
    ([quiet, patience]) =>
      new Promise((resolve) => {
        let timer = setTimeout(resolve, quiet);
        const last = setTimeout(resolve, patience);
        const watch = new MutationObserver(() => {
          clearTimeout(timer);
          timer = setTimeout(() => {
            watch.disconnect();
            clearTimeout(last);
            resolve();
          }, quiet);
        });
        watch.observe(document.documentElement, { subtree: true, childList: true, attributes: true, characterData: true });
      }),
    [QUIET_MS, PATIENCE_MS],
  );
}

/** Brings all of a page into view once, so that charts that wait for it are drawn. */
export async function scrolled(page) {
  const steps = await page.evaluate(() => Math.ceil(document.documentElement.scrollHeight / innerHeight));
  for (let step = 0; step < Math.min(steps, 40); step++) {
    await page.evaluate((step) => scrollTo(0, step * innerHeight), step);
    await page.waitForTimeout(60);
  }
  await settled(page);
  await page.evaluate(() => scrollTo(0, 0));
}

/** Serious and critical findings of axe-core, a line each. */
export async function barriers(page) {
  // Not as a script tag, which the page's policy would rightly refuse.
  await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ['violations'] });
    const grave = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
    return grave.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} (${failureSummary?.replaceAll('\n', ' ')})`),
    );
  });
}
