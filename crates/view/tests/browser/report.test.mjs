// The report: one file that opens from disk with the network off, and is as interactive as the pages it is made of.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, before, test } from 'node:test';
import { barriers, browser, largeStore, places, run, scrolled, serve, settled, store, visit } from './harness.mjs';

let chromium;
let folder;
let file;
let pair;
let where;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'handloom-report-'));
  file = join(folder, 'report.html');
  const server = await serve();
  where = await places(server);
  await server.stop();
  pair = join(folder, 'pair.html');
  await run('report', where.a, where.sweep, '--store', store, '-o', file);
  await run('report', where.a, where.b, '--store', store, '-o', pair);
  chromium = await browser();
});
after(async () => {
  await chromium?.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (hash, options, of = file) => visit(chromium, `${pathToFileURL(of)}${hash}`, { offline: true, ...options });

test('every page of the report opens from disk, offline, without a complaint', async () => {
  assert.ok(statSync(file).size < 8 << 20, 'at most 8 MiB');
  for (const name of ['project', 'run', 'errors', 'sweep', 'compare']) {
    const { page, complaints, close } = await open(where.pages[name], {}, name === 'compare' ? pair : file);
    await scrolled(page);
    assert.ok((await page.getByRole('heading', { level: 1 }).first().innerText()).trim(), name);
    assert.deepEqual(await page.getByRole('alert').allInnerTexts(), [], name);
    assert.deepEqual(complaints, [], name);
    await close();
  }
});

test('a sweep with thousands of trials is packed, and opens all the same', async () => {
  const many = join(folder, 'many.html');
  const { sweep } = JSON.parse(await run('sweep', 'ls', '--json', '--store', largeStore));
  await run('report', sweep, '--store', largeStore, '-o', many);
  // The form from which everything can be verified holds every value of every trial: 10,000 trials take 9.8 MiB.
  assert.ok(statSync(many).size < 10 << 20, `${statSync(many).size} bytes are more than 10 MiB`);
  assert.match(readFileSync(many, 'utf8'), /<script type="application\/gzip" id="answers">/);
  const { page, complaints, close } = await open(`#/sweep/${sweep}`, {}, many);
  assert.match(await page.locator('main').innerText(), /10,000/);
  assert.deepEqual(await page.getByRole('alert').allInnerTexts(), []);
  assert.deepEqual(complaints, []);
  await close();
});

test('it is interactive: brushes, links and keys', async () => {
  const { page, complaints, close } = await open(where.pages.sweep);
  const axis = page.getByRole('slider', { name: /^Brush of .*optimizer/ }).first();
  await axis.focus();
  await page.keyboard.press('ArrowUp');
  await settled(page);
  assert.match(await page.getByRole('status').filter({ hasText: /trials/ }).first().innerText(), /\d+ of \d+/);
  await page.keyboard.press('Escape');
  await page.evaluate((hash) => (location.hash = hash), where.pages.run);
  await settled(page);
  assert.match(page.url(), new RegExp(where.a));
  assert.deepEqual(complaints, []);
  await close();
});

test('it names configuration, seed, data, version and weights, and nobody is kept out', async () => {
  const text = readFileSync(file, 'utf8');
  for (const word of ['weights_sha256', 'data_sha256', 'seed', 'version']) assert.ok(text.includes(word), word);
  const { page, close } = await open(where.pages.run, { theme: 'dark' });
  assert.deepEqual(await barriers(page), []);
  await close();
});
