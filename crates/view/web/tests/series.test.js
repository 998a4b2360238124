import assert from 'node:assert/strict';
import test from 'node:test';
import { course, joined, thin } from '../charts/series.js';
import { percent } from '../format.js';

const said = (x) => percent(x, 1);

test('the course of a series is told as it went, not as one hoped', () => {
  const told = (y, up = true) => course([1, 2, 3], y, said, 'epoch', up);
  assert.equal(told([0.852, 0.894, 0.88]), 'rises from 85.2% at epoch 1 to 89.4% at epoch 2, then falls to 88.0%');
  assert.equal(told([0.852, 0.87, 0.894]), 'rises from 85.2% at epoch 1 to 89.4% at epoch 3');
  assert.equal(told([0.9, 0.8, 0.7]), 'falls from 90.0% at epoch 1 to 70.0% at epoch 3');
  assert.equal(told([0.5, 0.4, 0.45], false), 'falls from 50.0% at epoch 1 to 40.0% at epoch 2, then rises to 45.0%');
  assert.equal(told([0.1, 0.1, 0.1]), 'stays at 10.0% up to epoch 3');
  assert.equal(told([null, 0.4, null]), 'is 40.0% at epoch 2');
  assert.equal(told([null, null, null]), 'has no value yet');
});

test('lines joined into one keep a gap between them and know whose they are', () => {
  const { x, y, customdata } = joined([{ x: [1, 2], y: [3, 4], custom: 7 }, { x: [1], y: [5], custom: 9 }]);
  assert.deepEqual([x, y, customdata], [[1, 2, null, 1, null], [3, 4, null, 5, null], [7, 7, null, 9, null]]);
});

test('of dots in one place one is drawn, and the outermost stay', () => {
  const rows = Array.from({ length: 1000 }, (_, i) => i);
  const kept = thin(rows, (i) => i % 10, () => 1);
  assert.equal(kept.length, 10);
  const spread = thin(rows, (i) => i, (i) => i, 100, 100);
  assert.ok(spread.includes(0) && spread.length <= 101 && spread.length >= 100);
});
