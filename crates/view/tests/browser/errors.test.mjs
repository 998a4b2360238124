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

/** The pictures of an element: those that are named, and those that a style shows. */
const pictures = (element) =>
  element.evaluate((root) => {
    const shows = (one) => one.tagName === 'IMG' || getComputedStyle(one).backgroundImage.includes('data:image/png');
    return [...root.querySelectorAll('*')].filter(shows).length;
  });

test('a cell shows its images with their probabilities and the nearest training images', async () => {
  const { page, complaints, close } = await visit(chromium, address);
  const [truth, predicted, count] = largest();
  assert.ok(count > 0, 'the model makes mistakes');
  const title = `${answer.classes[truth]} called ${answer.classes[predicted]}`;
  await page.getByRole('gridcell', { name: title }).first().click();
  const drawer = page.getByRole('complementary', { name: 'The images of a cell' });
  await drawer.waitFor();
  await drawer.getByRole('listitem').first().waitFor();
  await settled(page);
  const cell = await server.get(`/api/runs/${answer.run}/errors/cell?set=validation&true=${truth}&predicted=${predicted}`);
  assert.deepEqual([cell.count, cell.list.length], [count, Math.min(count, 40)]);
  assert.ok(cell.list[0].near.length > 0, 'nearest training images');
  const text = await drawer.innerText();
  assert.ok(text.includes(title) && /\d\s?%/.test(text), text);
  assert.ok((await pictures(drawer)) >= Math.min(count, 3), 'the images are there');
  await page.keyboard.press('Escape');
  await drawer.waitFor({ state: 'hidden' });
  assert.deepEqual(complaints, []);
  await close();
});

test('the classic matrix is one key away, and the test set stays closed', async () => {
  const { page, complaints, close } = await visit(chromium, address);
  const matrix = page.getByRole('grid', { name: /Confusion matrix/ });
  const before = await matrix.innerText();
  await page.keyboard.press('m');
  await settled(page);
  assert.ok((await matrix.innerText()) !== before, 'another matrix');
  const { status } = await fetch(`${server.url}/api/runs/${answer.run}/errors?set=test`);
  assert.equal(status, 403);
  assert.deepEqual(complaints, []);
  await close();
});
