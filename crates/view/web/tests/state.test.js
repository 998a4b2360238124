import assert from 'node:assert/strict';
import test from 'node:test';
import { href, parseHash, withParam } from '../state.js';

test('every address of the design leads to its page', () => {
  const to = (hash) => {
    const { page, ids } = parseHash(hash);
    return [page, ...ids].join(' ');
  };
  assert.equal(to(''), 'project');
  assert.equal(to('#/'), 'project');
  assert.equal(to('#/run/abc'), 'run abc');
  assert.equal(to('#/run/abc/errors?set=test'), 'errors abc');
  assert.equal(to('#/sweep/s1'), 'sweep s1');
  assert.equal(to('#/compare/a/b'), 'compare a b');
  assert.equal(to('#/data/fashion_mnist'), 'data fashion_mnist');
  assert.equal(to('#/run/abc/nothing'), 'missing run abc nothing');
});

test('ids and parameters survive any sign', () => {
  const id = 'a/b ?#&<script>';
  assert.deepEqual(parseHash(href('run', id)).ids, [id]);
  const hash = withParam('#/', 'filter', 'lr>1e-3 & "x?y"');
  assert.equal(parseHash(hash).params.filter, 'lr>1e-3 & "x?y"');
  assert.deepEqual(parseHash('#/run/%E0%A4%A').ids, ['%E0%A4%A']);
});

test('a parameter is set, changed and taken away without touching the others', () => {
  let hash = withParam('#/sweep/s?set=test', 'brush', 'x');
  assert.deepEqual(parseHash(hash).params, { set: 'test', brush: 'x' });
  hash = withParam(hash, 'set', null);
  assert.equal(hash, '#/sweep/s?brush=x');
  assert.equal(withParam(hash, 'brush', null), '#/sweep/s');
  assert.equal(withParam('', 'x', 'epoch'), '#/?x=epoch');
});
