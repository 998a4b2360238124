// Keys: rows are walked, pinned and opened, help and theme are a key away, and all keys are off while somebody types.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, serve, settled, visit } from './harness.mjs';

let server;
let chromium;

before(async () => {
  [server, chromium] = await Promise.all([serve(), browser()]);
});
after(async () => {
  await chromium?.close();
  await server?.stop();
});

/** The row that keys are at. */
const current = (page) => page.evaluate(() => document.querySelector('tr[aria-current="true"]')?.textContent ?? null);

test('j and k walk through the rows, x pins, Enter opens', async () => {
  const { page, complaints, close } = await visit(chromium, `${server.url}/#/`);
  await page.keyboard.press('j');
  const first = await current(page);
  await page.keyboard.press('j');
  const second = await current(page);
  assert.ok(first && second && first !== second, `${first} | ${second}`);
  await page.keyboard.press('k');
  assert.equal(await current(page), first);
  const pinned = () => page.locator('tr[aria-current="true"]').getByRole('button', { name: /^Pin / }).getAttribute('aria-pressed');
  const before = await pinned();
  await page.keyboard.press('x');
  await settled(page);
  assert.notEqual(await pinned(), before, 'x pins, or takes a pin away');
  await page.keyboard.press('Enter');
  await page.waitForURL(/#\/run\/[a-z0-9]+/);
  await settled(page);
  assert.deepEqual(complaints, []);
  await close();
});

test('? shows the keys and Escape hides them, t changes the theme', async () => {
  const { page, complaints, close } = await visit(chromium, `${server.url}/#/`);
  await page.keyboard.press('?');
  const help = page.getByRole('dialog');
  await help.waitFor();
  assert.match(await help.innerText(), /filter/i);
  await page.keyboard.press('Escape');
  await help.waitFor({ state: 'hidden' });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.keyboard.press('t');
  await settled(page);
  assert.notEqual(await background(), light);
  assert.deepEqual(complaints, []);
  await close();
});

test('/ goes to the filter, where keys are text', async () => {
  const { page, complaints, close } = await visit(chromium, `${server.url}/#/`);
  const light = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.keyboard.press('/');
  await page.keyboard.type('nadam jxt?');
  const [tag, value] = await page.evaluate(() => [document.activeElement?.tagName, document.activeElement?.value]);
  assert.deepEqual([tag, value], ['INPUT', 'nadam jxt?']);
  assert.equal(await page.getByRole('dialog').count(), 0);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), light);
  assert.deepEqual(complaints, []);
  await close();
});
