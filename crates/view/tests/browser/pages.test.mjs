// Every page: it loads without a complaint, says in words what its charts show, keeps nobody out, and fits a phone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { barriers, browser, places, scrolled, serve, visit } from './harness.mjs';

const PAGES = ['project', 'run', 'errors', 'sweep', 'compare', 'data'];
let server;
let chromium;
let where;

before(async () => {
  [server, chromium] = await Promise.all([serve(), browser()]);
  where = (await places(server)).pages;
});
after(async () => {
  await chromium?.close();
  await server?.stop();
});

for (const theme of ['light', 'dark']) {
  for (const name of PAGES) {
    test(`${name} in ${theme}: no complaint, charts in words, nothing serious from axe-core`, async () => {
      const { page, complaints, close } = await visit(chromium, `${server.url}/${where[name]}`, { theme });
      await scrolled(page);
      const heading = await page.getByRole('heading', { level: 1 }).first().innerText();
      assert.ok(heading.trim(), 'a heading');
      assert.deepEqual(complaints, []);
      assert.deepEqual(await page.getByRole('alert').allInnerTexts(), [], 'no failure is shown');
      const captions = await page.locator('figure').evaluateAll((figures) =>
        figures.map((figure) => figure.querySelector('figcaption')?.textContent?.trim() ?? ''),
      );
      assert.ok(captions.length > 0 || name === 'data', 'a figure');
      for (const caption of captions) assert.ok(caption.split(' ').length >= 3, `a caption in words, not "${caption}"`);
      assert.deepEqual(await barriers(page), []);
      assert.deepEqual(complaints, []);
      await close();
    });
  }
}

for (const name of PAGES) {
  test(`${name} fits the width of a phone`, async () => {
    const { page, complaints, close } = await visit(chromium, `${server.url}/${where[name]}`, { size: [390, 844] });
    const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(content <= width + 1, `${content} of ${width} pixels`);
    assert.deepEqual(complaints, []);
    await close();
  });
}

test('the headline and the first rows are in the page that the server sends', async () => {
  const html = await (await fetch(server.url)).text();
  const { headline } = await server.get('/api/project');
  assert.ok(headline.length > 0, 'a headline');
  const escaped = (text) => text.replaceAll('&', '').replaceAll('<', '');
  const words = headline[0].text.split(/[^A-Za-z0-9.%]+/).filter((word) => word.length > 3);
  for (const word of words.slice(0, 3)) assert.ok(escaped(html).includes(word), `"${word}" of the headline`);
});

test('an address that leads nowhere says so, and where to go', async () => {
  const { page, close } = await visit(chromium, `${server.url}/#/run/nosuchrun`);
  assert.match(await page.locator('main').innerText(), /nosuchrun|no run/i);
  await close();
});
