// Below a path of another server: a proxy that strips `/x/y/` shows the dashboard as it is, live, with its images and links.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { browser, run, serve, settled, visit } from './harness.mjs';

const BELOW = '/x/y/';
const TRAIN = ['train', '-d', 'garments', '-nhl', '1', '-sz', '16', '-e', '2', '--no-test', '--quiet'];
let folder;
let server;
let proxy;
let chromium;
/** Addresses outside the path, which a dashboard that lives below it must not ask for. */
const strays = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'handloom-proxy-'));
  await run(...TRAIN, '--store', folder, '--name', 'first');
  await run(...TRAIN, '--store', folder, '--name', 'second', '--seed', '2');
  [server, chromium] = await Promise.all([serve(folder, '--allow-edit'), browser()]);
  proxy = await below(server.url);
});
after(async () => {
  await chromium?.close();
  proxy?.close();
  proxy?.closeAllConnections();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A proxy that shows what is at `url` below a path, and nothing elsewhere. The name that was asked for goes along. */
async function below(url) {
  const { hostname, port } = new URL(url);
  const made = createServer((asked, answer) => {
    if (!asked.url.startsWith(BELOW)) {
      strays.push(asked.url);
      answer.writeHead(404).end();
      return;
    }
    const path = `/${asked.url.slice(BELOW.length)}`;
    const onward = request({ hostname, port, path, method: asked.method, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    onward.once('error', () => answer.destroy());
    answer.once('close', () => onward.destroy());
    asked.pipe(onward);
  });
  await new Promise((resolve) => made.listen(0, '127.0.0.1', resolve));
  return made;
}

const address = (hash) => `http://127.0.0.1:${proxy.address().port}${BELOW}${hash}`;

test('every page is whole below a path, with its images, and nothing is asked of another', async () => {
  const { a, b } = await ids();
  for (const hash of ['#/', `#/run/${a}`, `#/run/${a}/errors`, `#/compare/${a}/${b}`, '#/data/garments']) {
    const { page, complaints, close } = await visit(chromium, address(hash));
    assert.deepEqual(complaints, [], hash);
    const broken = await page.locator('img').evaluateAll((all) => all.filter((one) => one.complete && !one.naturalWidth).map((one) => one.src));
    assert.deepEqual(broken, [], hash);
    const links = await page.locator('a[href]').evaluateAll((all) => all.map((one) => one.href));
    assert.ok(links.length > 0, hash);
    for (const link of links) assert.ok(link.startsWith(address('')), link);
    await close();
  }
  assert.deepEqual(strays, []);
});

test('a link leads on, a label is saved, and what is trained and removed elsewhere arrives', async () => {
  const { page, complaints, close } = await visit(chromium, address('#/'));
  await page.evaluate(() => (globalThis.unreloaded = true));
  await run(...TRAIN, '--store', folder, '--name', 'newcomer', '--seed', '3');
  const row = page.getByRole('row').filter({ hasText: 'newcomer' });
  await row.filter({ hasText: 'finished' }).waitFor();
  await row.getByRole('link').first().click();
  await page.getByRole('heading', { level: 1, name: 'newcomer' }).waitFor();
  assert.ok(page.url().startsWith(address('#/run/')), page.url());
  await page.getByRole('button', { name: 'Name, tags, notes' }).click();
  await page.getByLabel('Name', { exact: true }).fill('renamed below');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { level: 1, name: 'renamed below' }).waitFor();
  await page.goBack();
  await settled(page);
  const renamed = page.getByRole('row').filter({ hasText: 'renamed below' });
  await renamed.waitFor();
  await run('rm', 'renamed below', '--yes', '--store', folder);
  await renamed.waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => globalThis.unreloaded), true, 'nobody reloaded the page');
  assert.deepEqual(complaints, []);
  assert.deepEqual(strays, []);
  await close();
});

test('the page of a run or sweep that is removed meanwhile says so', async () => {
  await run(...TRAIN, '--store', folder, '--name', 'short-lived', '--seed', '4');
  const runs = await server.get('/api/runs');
  const column = (name) => runs.columns.find((one) => one.name === name).values;
  const id = column('id')[column('name').indexOf('short-lived')];
  const { page, close } = await visit(chromium, address(`#/run/${id}`));
  await run('rm', id, '--yes', '--store', folder);
  await page.getByText('was removed').waitFor();
  await close();
});

async function ids() {
  const { columns } = await server.get('/api/runs');
  const [a, b] = columns.find(({ name }) => name === 'id').values;
  return { a, b };
}
