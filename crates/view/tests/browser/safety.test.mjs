// Safety: names with markup stay text, other sites get nothing, and the policy lets nothing in from outside.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { browser, column, places, serve, visit } from './harness.mjs';

let server;
let chromium;

before(async () => {
  [server, chromium] = await Promise.all([serve(), browser()]);
});
after(async () => {
  await chromium?.close();
  await server?.stop();
});

/** The status of a request with headers that `fetch` would not send. */
function status(path, headers, method = 'GET') {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, method, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.once('error', reject);
    asked.end(method === 'POST' ? '{}' : undefined);
  });
}

test('a run named <script> is text on every page', async () => {
  const runs = await server.get('/api/runs');
  const at = column(runs, 'name').findIndex((name) => name.startsWith('<script>'));
  const [name, id] = [column(runs, 'name')[at], column(runs, 'id')[at]];
  const { sweep, a } = await places(server);
  for (const hash of ['#/', `#/run/${id}`, `#/run/${id}/errors`, `#/compare/${id}/${a}`, `#/sweep/${sweep}`]) {
    const { page, complaints, close } = await visit(chromium, `${server.url}/${hash}`);
    assert.equal(await page.evaluate(() => globalThis.owned), undefined, hash);
    const tags = await page.locator('main script, main img[onerror], main b[onclick]').count();
    assert.equal(tags, 0, hash);
    if (hash.startsWith('#/run') && !hash.endsWith('errors')) {
      assert.ok((await page.locator('main').innerText()).includes(name.slice(0, 40)), 'the name is shown as it is');
    }
    // Without a model there are no errors to show: that answer alone may be a failure.
    const others = complaints.filter((one) => !/status of (404|400)/.test(one));
    assert.deepEqual(others, [], hash);
    await close();
  }
});

test('another host, another origin and another folder are refused', async () => {
  const { host } = new URL(server.url);
  assert.equal(await status('/api/project', { host }), 200);
  for (const wrong of ['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example']) {
    assert.ok([400, 403, 421].includes(await status('/api/project', { host: wrong })), `host "${wrong}"`);
  }
  const run = column(await server.get('/api/runs'), 'id')[0];
  const post = (origin) => status(`/api/runs/${run}/labels`, { host, origin, 'content-type': 'application/json' }, 'POST');
  assert.equal(await post('http://evil.example'), 403);
  assert.equal(await post(server.url), 403, 'read-only without --allow-edit');
  for (const path of ['/api/runs/..%2f..%2fetc%2fpasswd', '/..%2f..%2fCargo.toml', '/%2e%2e/%2e%2e/etc/passwd', '/api/runs/%00']) {
    assert.ok([400, 404].includes(await status(path, { host })), path);
  }
});

test('the policy names only this server, and no eval', async () => {
  const answer = await fetch(server.url);
  const policy = answer.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'self'/);
  assert.doesNotMatch(policy, /unsafe-eval|https?:|\*/);
  assert.doesNotMatch(/script-src[^;]*/.exec(policy)?.[0] ?? '', /unsafe-inline/);
  const { page, close } = await visit(chromium, `${server.url}/#/`);
  const owned = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.owned = true';
    document.head.append(script);
    return globalThis.owned;
  });
  assert.equal(owned, undefined, 'a script that got into the page does not run');
  await close();
});
