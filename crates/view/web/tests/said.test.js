// @ts-check
// What the charts of a sweep and of errors say in words, and what they are drawn from.
import test from 'node:test';
import assert from 'node:assert/strict';
import { columnsOf } from '../columns.js';
import { axisOf } from '../charts/axes.js';
import { strongest } from '../charts/correlations.js';
import { trainingText } from '../charts/epochs.js';
import { forestText } from '../charts/importance.js';
import { ledgerText } from '../charts/ledger.js';
import { cellText, shownClasses, side } from '../charts/matrix.js';
import { calibrationText } from '../charts/outlook.js';
import { ranks } from '../charts/parallel.js';
import { records } from '../charts/progress.js';
import { sliceText } from '../charts/slices.js';

const CLASSES = ['Shirt', 'Coat', 'Bag'];

test('ranks put the best at 1, equal values together, and what is missing last', () => {
  const column = { at: (/** @type {number} */ i) => [0.5, null, 0.9, 0.5, 0.1][i] };
  assert.deepEqual([...ranks(column, 5, true)], [0.5, 0, 1, 0.5, 0]);
  assert.deepEqual([...ranks(column, 5, false)], [0.5, 0, 0, 0.5, 1]);
  assert.deepEqual([...ranks({ at: () => 3 }, 1, true)], [1]);
});

test('the best so far steps at each trial that was better than all before it', () => {
  const columns = columnsOf({ rows: 5, columns: [
    { name: 'created_ms', kind: 'time', values: [50, 10, 30, null, 20] },
    { name: 'metric', kind: 'number', values: [0.9, 0.3, 0.2, 1, null] },
    { name: 'status', kind: 'text', values: ['finished', 'finished', 'finished', 'diverged', 'pruned'] },
  ] });
  assert.deepEqual(records(columns, 'created_ms', true), { rows: [1, 4, 2, 0], steps: [1, 0] });
  assert.deepEqual(records(columns, 'created_ms', false).steps, [1, 2]);
});

test('a slice names the slot of the best median, or where the best tenth lies', () => {
  const columns = columnsOf({ rows: 6, columns: [
    { name: 'optimizer', kind: 'category', levels: ['sgd', 'adam'], codes: [0, 0, 0, 1, 1, 1] },
    { name: 'rate', kind: 'number', values: Array.from({ length: 6 }, (_, i) => i * 1.5) },
    { name: 'metric', kind: 'number', values: [0.1, 0.2, 0.3, 0.8, 0.9, 0.7] },
  ] });
  const said = (/** @type {number} */ x) => `${100 * x}%`;
  const text = (/** @type {string} */ name, /** @type {boolean} */ maximize) => {
    const column = /** @type {any} */ (columns.column(name));
    return sliceText(axisOf(column, 6, { name, scale: name === 'rate' ? 'linear' : null }), column, columns.column('metric'), 6, maximize, said);
  };
  assert.equal(text('optimizer', true), 'adam has the best median, 80% (3 trials); sgd the worst, 20%.');
  assert.equal(text('optimizer', false), 'sgd has the best median, 20% (3 trials); adam the worst, 80%.');
  assert.equal(text('rate', true), 'The best tenth has 4.5 to 7.5.');
});

test('a forest that explains little is not believed', () => {
  assert.match(forestText({ trials: 84, explained: 0.71, early: false, parameters: [], columns: [] }), /^The forest explains 71% .* \(84 trials\)\.$/);
  assert.match(forestText({ trials: 12, explained: 0.1, early: true, parameters: [], columns: [] }), /^Too early to tell/);
  assert.equal(forestText({ trials: 1, explained: null, early: true, parameters: [], columns: [] }), 'Too early to tell: 1 trial.');
});

test('the strongest correlation is said with its direction', () => {
  assert.match(strongest(['a', 'b', 'm'], [[1, 0, 0.2], [0, 1, -0.8], [0.2, -0.8, 1]], 'm'), /^m falls strongly with b \(−0.80\)/);
  assert.equal(strongest(['m'], [[1]], 'm'), 'Nothing goes along with m.');
});

test('a cell of the matrix says what it shows to who cannot see it', () => {
  const data = { classes: CLASSES, confusion: [[6, 2, 0], [0, 4, 0], [0, 0, 0]], recall: [0.75, 1, null] };
  assert.equal(cellText(data, 0, 1), '2 Shirt called Coat, 25.0% of them');
  assert.equal(cellText(data, 1, 0), 'No Coat called Shirt');
  assert.equal(cellText(data, 0, 0), 'Shirt: 6 of 8 right, recall 75.0%');
  assert.equal(cellText(data, 2, 2), 'Bag: 0 of 0 right, recall –');
});

test('of many classes, those with the most errors are shown, in their order', () => {
  const order = Array.from({ length: 60 }, (_, i) => 59 - i);
  const confusion = order.map((_, t) => order.map((_, p) => (t === p ? 100 : t < 30 && p === t + 30 ? 30 - t : 0)));
  const shown = shownClasses({ order, confusion });
  assert.ok(shown.length <= 24 && shown.includes(0) && shown.includes(30) && !shown.includes(29));
  assert.deepEqual(shown, [...shown].sort((a, b) => b - a));
});

test('the area of a picture grows with its count', () => {
  assert.equal(side(100, 100, 48), 48);
  assert.equal(side(25, 100, 48), 24);
  assert.equal(side(1, 100, 48), 8);
});

test('the ledger says which way a confusion runs', () => {
  assert.equal(ledgerText([{ a: 0, b: 1, ab: 5, ba: 40, one_way: true }], CLASSES), 'Coat is called Shirt 40 times, and 5 times the other way: a different threshold or weight for Shirt could shift it.');
  assert.match(ledgerText([{ a: 0, b: 1, ab: 9, ba: 8, one_way: false }], CLASSES), /No pair runs one way only\.$/);
  assert.equal(ledgerText([], CLASSES), 'No class is taken for another.');
});

test('of training, the largest change after the first epoch is said', () => {
  const training = { epoch: [1, 2, 3], pairs: [{ true: 0, predicted: 1, counts: [500, 21, 111] }, { true: 1, predicted: 0, counts: [9, 30, 20] }] };
  assert.equal(trainingText(training, CLASSES), 'Shirt called Coat went from 21 at epoch 2 to 111 at epoch 3.');
  assert.match(trainingText({ epoch: [1], pairs: [{ true: 0, predicted: 1, counts: [5] }] }, CLASSES), /hardly change/);
});

test('calibration is said of the bin that is furthest off, with its images', () => {
  const calibration = [{ images: 0, confidence: null, accuracy: null }, { images: 100, confidence: 0.95, accuracy: 0.8 }, { images: 2, confidence: 0.3, accuracy: 0.9 }];
  assert.equal(calibrationText({ calibration, calibration_error: 0.15 }), 'At 95% confidence it is right 80% of the time (100 images): overconfident. Calibration error 0.150.');
  assert.equal(calibrationText({ calibration: [], calibration_error: null }), 'There are no images to judge by.');
});
