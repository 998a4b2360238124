// The errors page: a cell of the matrix leads to its images, with probabilities and the nearest training images.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser, places, serve, settled, visit } from './harness.mjs';

let server;
let chromium;
let address;
let answer;

before(async () => {
  [server, chromium] = await Promise.all([serve(), browser()]);
  const { a, pages } = await places(server);
  address = `${server.url}/${pages.errors}`;
  answer = await server.get(`/api/runs/${a}/errors?set=validation`);
});
after(async () => {
  await chromium?.close();
  await server?.stop();
});

/** The largest mistake: true class, predicted class, images. */
function largest() {
  let found = [0, 1, -1];
  answer.confusion.forEach((row, truth) =>
    row.forEach((count, predicted) => {
      if (truth !== predicted && count > found[2]) found = [truth, predicted, count];
    }),
  );
  return found;
}

/** Elements that show a picture. */
const pictures = (page) =>
  page.locator('main').evaluate(
    (main) => [...main.querySelectorAll('*')].filter((one) => one.tagName === 'IMG' || one.tagName === 'CANVAS' || getComputedStyle(one).backgroundImage.includes('data:image/png')).length,
  );

test('a cell shows its images with their probabilities', async () => {
  const { page, complaints, close } = await visit(chromium, address);
  const [truth, predicted, count] = largest();
  const names = [answer.classes[truth], answer.classes[predicted]];
  const cell = page
    .getByRole('button', { name: new RegExp(`${escaped(names[0])}.*${escaped(names[1])}`, 'i') })
    .or(page.getByRole('gridcell', { name: new RegExp(`${escaped(names[0])}.*${escaped(names[1])}`, 'i') }))
    .first();
  const before = await pictures(page);
  await cell.click();
  await settled(page);
  const { list } = await server.get(`/api/runs/${answer.run}/errors/cell?set=validation&true=${truth}&predicted=${predicted}`);
  assert.equal(list.length, Math.min(count, 40));
  assert.ok((await pictures(page)) >= before + Math.min(list.length, 5), 'the images of the cell are there');
  assert.match(await page.locator('main').innerText(), /\d+(\.\d+)?\s?%/);
  assert.deepEqual(complaints, []);
  await close();
});

test('the classic matrix is one key away, and the test set stays closed', async () => {
  const { page, complaints, close } = await visit(chromium, address);
  const before = await page.locator('main').innerText();
  await page.keyboard.press('m');
  await settled(page);
  assert.notEqual(await page.locator('main').innerText(), before);
  const { status } = await fetch(`${server.url}/api/runs/${answer.run}/errors?set=test`);
  assert.equal(status, 403);
  assert.deepEqual(complaints, []);
  await close();
});

function escaped(text) {
  return text.replace(/[^A-Za-z0-9]/g, '.');
}
