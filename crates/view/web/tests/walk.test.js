import assert from 'node:assert/strict';
import test from 'node:test';
import { said, step } from '../walk.js';

const TRACES = [
  { hoverinfo: 'skip', y: [1, 2] },
  { name: 'a', x: [1, 2, 3], y: [0.5, null, 0.7] },
  { name: 'b', x: [1, 2, 3], y: [null, 0.6, 0.8] },
];

test('arrow keys start at the first point and step over what is missing', () => {
  assert.deepEqual(step(TRACES, -1, -1, 'ArrowRight'), [1, 0]);
  assert.deepEqual(step(TRACES, 1, 0, 'ArrowRight'), [1, 2]);
  assert.deepEqual(step(TRACES, 1, 2, 'ArrowRight'), [1, 2]);
  assert.deepEqual(step(TRACES, 1, 2, 'ArrowLeft'), [1, 0]);
  assert.deepEqual(step(TRACES, 1, 0, 'ArrowDown'), [2, 1]);
  assert.deepEqual(step(TRACES, 2, 1, 'ArrowUp'), [1, 0]);
  assert.equal(step(TRACES, 1, 0, 'l'), null);
  assert.equal(step([], 0, 0, 'ArrowRight'), null);
});

test('a point is said with its name and its axes', () => {
  const layout = { xaxis: { title: 'epoch' }, yaxis: { title: { text: 'accuracy' }, tickformat: '.0%' } };
  assert.equal(said(TRACES[1], 2, layout), 'a: epoch 3, accuracy 70.0%');
  assert.equal(said({ ...TRACES[1], text: ['', '', 'adam<br>best'] }, 2, layout), 'adam, best');
  assert.equal(said({ ...TRACES[1], text: ['', '', 'adam'] }, 2, layout), 'adam: epoch 3, accuracy 70.0%');
});
