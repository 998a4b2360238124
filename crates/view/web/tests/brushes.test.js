// @ts-check
import test from 'node:test';
import assert from 'node:assert/strict';
import { columnsOf } from '../columns.js';
import { createSelection } from '../selection.js';
import { at, axisOf, brushOf, decades, moved, ordered, round, scales, stretches, ticks, valueAt } from '../charts/axes.js';
import { best, chipText, fromAddress, toAddress } from '../charts/brushes.js';

/** Seven trials with everything that a sweep can bring: lists, booleans, what is missing, what diverged, a range of exponents. */
const COLUMNS = columnsOf({
  rows: 7,
  columns: [
    { name: 'hidden_size', kind: 'category', levels: [[256, 128], 64, [32], null], codes: [0, 1, 2, 0, -1, 1, 3] },
    { name: 'shuffle', kind: 'category', levels: [true, false], codes: [0, 0, 1, 1, 0, 1, -1] },
    { name: 'optimizer', kind: 'category', levels: ['sgd', 'adam', '<b>'], codes: [0, 1, 1, 2, 2, 0, 0] },
    { name: 'learning_rate', kind: 'number', scale: 'log', values: [1e-4, 1e-3, 1e-2, 1e-1, 0.02, 0.03, 0.04, 0.05].slice(0, 7) },
    { name: 'decay', kind: 'number', scale: 'linear', values: [0, 0, 0.5, 0.0005, 0.5, 0, null] },
    { name: 'metric', kind: 'number', scale: 'linear', values: [0.1, 0.8, 0.85, 0.9, null, 0.7, null] },
  ],
});

/** @param {string} name @param {any} [options] */
const axis = (name, options) => axisOf(/** @type {any} */ (COLUMNS.column(name)), COLUMNS.rows, { name, ...options });

/** The rows that brushes let through. @param {Record<string, any>} brushes */
function passing(brushes) {
  const selection = createSelection(COLUMNS);
  for (const [name, brush] of Object.entries(brushes)) selection.setBrush(name, brush);
  return [...selection.mask].flatMap((inside, i) => (inside ? [i] : []));
}

test('every row has a place on every axis, and a brush around that place takes it', () => {
  for (const name of COLUMNS.names) {
    for (const scale of [null, 'linear', 'log', 'rank']) {
      const one = axis(name, { scale });
      for (let i = 0; i < COLUMNS.rows; i++) {
        const place = one.place[i];
        assert.ok(place >= 0 && place <= 1, `${name} ${scale} ${i}: ${place}`);
        const brush = brushOf(one, place - 0.02, place + 0.02);
        assert.ok(brush && passing({ [name]: brush }).includes(i), `${name} ${scale} row ${i}: ${JSON.stringify(brush)}`);
      }
    }
  }
});

test('a brush over a whole axis takes every row, missing and diverged ones too', () => {
  for (const name of COLUMNS.names) {
    const brush = brushOf(axis(name), 0, 1);
    assert.equal(passing({ [name]: brush }).length, COLUMNS.rows, `${name}: ${JSON.stringify(brush)}`);
  }
});

test('lists, booleans and what is missing can be brushed, and brushes combine', () => {
  assert.deepEqual(passing({ hidden_size: { levels: [[256, 128]] } }), [0, 3]);
  assert.deepEqual(passing({ hidden_size: { levels: [null] } }), [4, 6]);
  assert.deepEqual(passing({ shuffle: { levels: [false] } }), [2, 3, 5]);
  assert.deepEqual(passing({ metric: { levels: [null] } }), [4, 6]);
  assert.deepEqual(passing({ metric: { low: 0.85, high: null, missing: true } }), [2, 3, 4, 6]);
  assert.deepEqual(passing({ metric: { low: null, high: 0.65 } }), [0]);
  assert.deepEqual(passing({ shuffle: { levels: [true] }, metric: { low: 0.5, high: 1 } }), [1]);
});

test('what is shown of a brush is what was dragged', () => {
  for (const name of COLUMNS.names) {
    const one = axis(name);
    const brush = /** @type {any} */ (brushOf(one, 0.4, 0.9));
    const [[from, to]] = stretches(one, brush);
    assert.ok(from <= 0.42 && to >= 0.88, `${name}: ${from} to ${to}`);
  }
  const categories = axis('hidden_size');
  assert.equal(stretches(categories, { levels: [[32], null] }).length, 2, 'missing is apart at the foot');
});

test('lists are in order of their length and size, booleans of their truth, texts as they came', () => {
  assert.deepEqual(ordered([[256, 128], [64, 64], [32]]), [[32], [64, 64], [256, 128]]);
  assert.deepEqual(ordered([true, false]), [false, true]);
  assert.deepEqual(ordered(['sgd', 'adam']), ['sgd', 'adam']);
});

test('a value and its place agree on every scale', () => {
  const values = Array.from({ length: 40 }, (_, i) => 1e-4 * 1.2 ** i);
  for (const scale of ['linear', 'log', 'rank']) {
    const one = axisOf({ kind: 'number', at: (i) => values[i] }, 40, { name: 'x', scale });
    for (const value of values) assert.ok(Math.abs(valueAt(one, at(one, value)) / value - 1) < 1e-6, `${scale} ${value}`);
  }
});

test('an axis with a zero has no logarithm', () => {
  assert.deepEqual(scales(axis('decay')), ['linear', 'rank']);
  assert.deepEqual(scales(axis('learning_rate')), ['linear', 'log', 'rank']);
  assert.notEqual(axis('decay', { scale: 'log' }).scale, 'log');
});

test('arrows walk a brush through all slots of an axis, and stop at its ends', () => {
  const one = axis('optimizer');
  let brush = moved(one, null, 1);
  assert.deepEqual(brush, { levels: ['<b>'] });
  brush = moved(one, brush, -1);
  assert.deepEqual(brush, { levels: ['adam'] });
  assert.deepEqual(moved(one, brush, 1, { grow: true }), { levels: ['adam', '<b>'] });
  assert.deepEqual(moved(one, brush, -1, { end: true }), { levels: ['sgd'] });
  assert.deepEqual(moved(one, { levels: ['sgd'] }, -1), { levels: ['sgd'] });
  const line = axis('learning_rate', { scale: 'log' });
  const start = /** @type {any} */ (moved(line, null, 1));
  const lower = /** @type {any} */ (moved(line, start, -1));
  assert.ok(lower.high < start.high && lower.low < start.low);
});

test('ticks name every slot, and what is missing as it is called there', () => {
  assert.deepEqual(ticks(axis('metric', { scale: 'linear', absent: 'NaN' }))[0].text, 'NaN');
  assert.deepEqual(ticks(axis('optimizer')).map(({ text }) => text), ['sgd', 'adam', '<b>']);
  assert.deepEqual(round(0.12, 0.9, 4), [0.2, 0.4, 0.6, 0.8]);
  assert.deepEqual(decades(0.0001, 0.1), [0.0001, 0.001, 0.01, 0.1]);
});

test('brushes come back from an address as they were', () => {
  const brushes = new Map(/** @type {[string, any][]} */ ([
    ['learning_rate', { low: 1e-5, high: 0.1 }],
    ['a,b=c:d', { levels: [[256, 128], 'adam', 'true', true, null, 3, '<b>', 'a|b,c', "it's"] }],
    ['metric', { low: null, high: -0.65, missing: true }],
    ['time', { low: 3, high: null }],
  ]));
  const address = toAddress(brushes);
  assert.deepEqual(fromAddress(address), brushes);
  assert.deepEqual(fromAddress(new URLSearchParams(new URLSearchParams({ brush: address }).toString()).get('brush')), brushes);
});

test('an address that was cut or made up gives no brush, and no error', () => {
  for (const text of [null, '', 'x', 'x:', 'x:a..b', 'x=%E0%A4%A', 'x=[1', 'x:1', 'x:1..2..3']) assert.equal(fromAddress(text).size, 0, String(text));
});

test('chips say ranges, open ends and what is missing', () => {
  assert.equal(chipText('lr', { low: 0.001, high: 0.1 }), 'lr: 0.001 … 0.1');
  assert.equal(chipText('acc', { low: null, high: 0.65, missing: true }, 'NaN'), 'acc: ≤ 0.65 or NaN');
  assert.equal(chipText('layers', { low: 3, high: 3 }), 'layers: 3');
  assert.equal(chipText('size', { levels: [[256, 128], null] }), 'size: 256 128, none');
});

test('the best tenth is at least one trial, whichever way is better', () => {
  const metric = /** @type {any} */ (COLUMNS.column('metric'));
  assert.deepEqual(passing({ metric: best(metric, 7, 0.1, true) }), [3]);
  assert.deepEqual(passing({ metric: best(metric, 7, 0.4, false) }), [0, 5]);
  assert.equal(best({ at: () => null }, 7, 0.1, true), null);
});
