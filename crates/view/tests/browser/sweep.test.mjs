// The sweep's page: brushes of parallel coordinates filter the table and all else, and stand in the address.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, column, places, serve, settled, visit } from './harness.mjs';

let server;
let chromium;
let address;
let answer;

before(async () => {
  [server, chromium] = await Promise.all([serve(), browser()]);
  const { sweep, pages } = await places(server);
  address = `${server.url}/${pages.sweep}`;
  answer = await server.get(`/api/sweeps/${sweep}`);
});
after(async () => {
  await chromium?.close();
  await server?.stop();
});

/** Number of brushed trials according to the page, and number of rows according to its table. */
async function shown(page) {
  const status = await page.getByRole('status').filter({ hasText: /trials/ }).first().innerText();
  const brushed = Number(/([\d,]+) of/.exec(status)?.[1].replaceAll(',', '') ?? answer.trials.rows);
  const rows = await page.getByRole('table').or(page.getByRole('grid')).evaluateAll((tables) =>
    tables.map((table) => Number(table.getAttribute('aria-rowcount') ?? 0)),
  );
  return { brushed, rows: Math.max(...rows) - 1 };
}

/** Drags on the axis called `name` from one height to another, 0 at its foot. */
async function drag(page, name, from, to) {
  const axis = page.getByRole('slider', { name: new RegExp(`^Brush of .*${name}`) }).first();
  await axis.scrollIntoViewIfNeeded();
  const box = await axis.boundingBox();
  const x = box.x + box.width / 2;
  const y = (height) => box.y + box.height * (1 - height);
  await page.mouse.move(x, y(from));
  await page.mouse.down();
  await page.mouse.move(x, y((from + to) / 2), { steps: 4 });
  await page.mouse.move(x, y(to), { steps: 4 });
  await page.mouse.up();
  await settled(page);
}

/** Trials that pass a brush as the address has it: `metric:0.8..0.9!`, `optimizer=adam|nadam`. */
function passing(brush) {
  const [, name, kind, rest] = /^([^:=]+)([:=])(.*)$/.exec(brush);
  const values = column(answer.trials, decodeURIComponent(name));
  if (kind === '=') {
    const levels = rest.split('|').map((level) => decodeURIComponent(level));
    const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
    return values.filter((value) => levels.includes(text(value))).length;
  }
  const [low, high] = rest.replace('!', '').split('..').map((end) => (end === '' ? null : Number(end)));
  const inside = (value) => (low === null || value >= low) && (high === null || value <= high);
  return values.filter((value) => (value === null ? rest.endsWith('!') : inside(value))).length;
}

/** The brush in the address, once it is there. */
async function brushOf(page) {
  const read = () => new URLSearchParams(location.hash.split('?')[1] ?? '').get('brush');
  return (await page.waitForFunction(read)).jsonValue();
}

test('a dragged brush filters the table, and its address restores it', async () => {
  const { page, complaints, close } = await visit(chromium, address);
  const all = await shown(page);
  assert.deepEqual(all, { brushed: answer.trials.rows, rows: answer.trials.rows });
  await drag(page, 'val_accuracy|metric', 0.97, 0.6);
  const brush = await brushOf(page);
  const best = await shown(page);
  assert.ok(brush && best.brushed > 0 && best.brushed < all.brushed, `${brush}: ${best.brushed}`);
  assert.equal(best.brushed, passing(brush), brush);
  assert.equal(best.rows, best.brushed, 'the table has the brushed trials');
  const again = await visit(chromium, page.url());
  assert.deepEqual(await shown(again.page), best);
  assert.deepEqual([...complaints, ...again.complaints], []);
  await again.close();
  await close();
});

test('categories, lists and what is missing can be brushed, by keys too', async () => {
  const { page, complaints, close } = await visit(chromium, address);
  const axis = page.getByRole('slider', { name: /^Brush of .*optimizer/ }).first();
  await axis.focus();
  await page.keyboard.press('ArrowUp');
  await settled(page);
  const { brushed, rows } = await shown(page);
  assert.ok(brushed > 0 && brushed < answer.trials.rows, `${brushed}`);
  assert.deepEqual([brushed, rows], [passing(await brushOf(page)), brushed]);
  await page.keyboard.press('Delete');
  await settled(page);
  assert.equal((await shown(page)).brushed, answer.trials.rows);
  // The foot of the metric's axis is where trials without one are.
  const without = column(answer.trials, 'metric').filter((value) => value === null).length;
  assert.ok(without > 0, 'the store has trials without a metric');
  await drag(page, 'val_accuracy|metric', 0.02, 0.05);
  assert.equal((await shown(page)).brushed, without);
  assert.deepEqual(complaints, []);
  await close();
});

test('runs under 65% are one press away, and an observation shows its evidence', async () => {
  const { page, complaints, close } = await visit(chromium, address);
  await page.getByRole('button', { name: /^Zoom to the runs under 65\s?%/ }).first().click();
  await settled(page);
  const metric = column(answer.trials, 'metric');
  const low = metric.filter((value) => value !== null && value < 0.65).length;
  const missing = metric.filter((value) => value === null).length;
  const { brushed } = await shown(page);
  assert.ok(brushed === low || brushed === low + missing, `${brushed} of ${low} and ${missing}`);
  assert.ok(answer.observations.length >= 3, 'observations');
  const said = await page.locator('main').innerText();
  for (const { text } of answer.observations) assert.ok(said.includes(text.slice(0, 40)), text);
  const shows = answer.observations.find(({ rule, brush }) => rule === 'diverged' && brush);
  await page.getByRole('button', { name: shows.text.slice(0, 40) }).click();
  await settled(page);
  assert.equal((await shown(page)).brushed, answer.counts.diverged, shows.text);
  assert.deepEqual(complaints, []);
  await close();
});

test('a new sweep file comes from what is brushed', async () => {
  const { page, complaints, close } = await visit(chromium, `${address}?brush=optimizer=adam|nadam`);
  const file = page.getByLabel('The new sweep file');
  await page.getByText('New sweep from selection').click();
  const text = await file.innerText();
  assert.match(text, /optimizer:\s+values: \[adam, nadam\]/);
  assert.match(text, /method: random/);
  assert.deepEqual(complaints, []);
  await close();
});
