// Live: what another process trains appears on pages that nobody reloads, and a page that was cut off catches up.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { browser, column, run, serve, settled, start, visit } from './harness.mjs';

const TRAIN = ['train', '-d', 'garments', '-nhl', '1', '-sz', '32', '--no-test', '--quiet'];
let folder;
let server;
let chromium;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'handloom-live-'));
  await run(...TRAIN, '-e', '2', '--store', folder, '--name', 'first');
  [server, chromium] = await Promise.all([serve(folder), browser()]);
});
after(async () => {
  await chromium?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Trains in another process; the answer ends with it. */
function training(name, epochs) {
  const child = start(...TRAIN, '-e', String(epochs), '--store', folder, '--name', name);
  return { child, ended: new Promise((resolve) => child.once('exit', resolve)) };
}

/** The id of the run with this name, once it is recorded. */
async function recorded(name) {
  for (let turn = 0; turn < 200; turn++) {
    const runs = await server.get('/api/runs');
    const at = column(runs, 'name')?.indexOf(name) ?? -1;
    if (at >= 0) return column(runs, 'id')[at];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(`${name} was never recorded`);
}

test('a run that another process trains appears in the table and goes on to its end', async () => {
  const { page, complaints, close } = await visit(chromium, `${server.url}/#/`);
  await page.evaluate(() => (globalThis.unreloaded = true));
  const { ended } = training('newcomer', 12);
  // In the table alone: the line of what is training is gone as soon as the run has ended.
  const row = page.getByRole('row').filter({ hasText: 'newcomer' });
  await row.waitFor();
  assert.equal(await ended, 0);
  await row.filter({ hasText: 'finished' }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.unreloaded), true, 'nobody reloaded the page');
  assert.deepEqual(complaints, []);
  await close();
});

test('the page of a run follows it while it trains, and says that it was stopped', async () => {
  const { child, ended } = training('third', 5_000);
  const id = await recorded('third');
  const { page, complaints, close } = await visit(chromium, `${server.url}/#/run/${id}`);
  const text = () => page.locator('main').innerText();
  for (let turn = 0; turn < 2; turn++) {
    const early = await text();
    await page.waitForFunction((early) => document.querySelector('main')?.innerText !== early, early);
  }
  assert.equal(child.exitCode, null, 'it was training all the time');
  child.kill('SIGINT');
  await ended;
  await page.waitForFunction(() => /stopped/.test(document.querySelector('main')?.innerText ?? ''));
  assert.equal((await server.get(`/api/runs/${id}`)).status, 'stopped');
  assert.deepEqual(complaints, []);
  await close();
});

test('a page whose connection was lost shows what it missed, once each', async () => {
  const { page, close } = await visit(chromium, `${server.url}/#/`);
  await page.context().setOffline(true);
  await run(...TRAIN, '-e', '2', '--store', folder, '--name', 'missed');
  await page.context().setOffline(false);
  const rows = page.getByRole('row').filter({ hasText: 'missed' });
  await rows.first().waitFor({ timeout: 20_000 });
  await settled(page);
  assert.equal(await rows.count(), 1);
  await close();
});
