import assert from 'node:assert/strict';
import test from 'node:test';
import { columnsOf } from '../columns.js';
import { columnFor, makeFilter, terms } from '../filter.js';
import { groups, order, spread } from '../rows.js';

const COLUMNS = columnsOf({
  rows: 5,
  columns: [
    { name: 'name', kind: 'text', values: ['nadam · lr 1e-3', 'sgd one', 'adam two', 'Adam three', 'x'] },
    { name: 'tags', kind: 'text', values: ['good best', '', 'good', '', ''] },
    { name: 'val_accuracy', kind: 'number', scale: 'linear', values: [0.889, 0.87, null, 0.881, 0.1] },
    { name: 'val_loss', kind: 'number', scale: 'linear', values: [0.3, 0.4, 0.5, 0.3, 2.3] },
    { name: 'learning_rate', kind: 'number', scale: 'log', values: [0.001, 0.1, 0.01, 0.001, 0.1] },
    { name: 'optimizer', kind: 'category', levels: ['nadam', 'sgd', 'adam'], codes: [0, 1, 2, 2, -1] },
    { name: 'hidden_size', kind: 'category', levels: [128, [64, 32], 32], codes: [0, 1, 2, 2, -1] },
    { name: 'shuffle', kind: 'category', levels: [true, false], codes: [0, 0, 1, 1, 0] },
  ],
});
const passing = (text) => {
  const { passes } = makeFilter(text, COLUMNS);
  return [0, 1, 2, 3, 4].filter((i) => !passes || passes(i));
};

test('terms are taken apart, and quotes keep spaces', () => {
  assert.deepEqual(terms('acc>=0.8 notes:"too deep" two'), [
    { name: 'acc', op: '>=', value: '0.8' },
    { name: 'notes', op: ':', value: 'too deep' },
    { text: 'two' },
  ]);
  assert.deepEqual(terms(''), []);
});

test('numbers compare, also as percentages, and a missing one passes nothing', () => {
  assert.deepEqual(passing('val_accuracy>0.87'), [0, 3]);
  assert.deepEqual(passing('acc>=87%'), [0, 1, 3]);
  assert.deepEqual(passing('lr<=1e-2 loss<0.4'), [0, 3]);
  assert.deepEqual(passing('learning_rate!=0.1'), [0, 2, 3]);
});

test('categories are equal as wholes, contained by a colon, and lists match as typed', () => {
  assert.deepEqual(passing('optimizer=adam'), [2, 3]);
  assert.deepEqual(passing('opt:adam'), [0, 2, 3]);
  assert.deepEqual(passing('opt!=adam'), [0, 1, 4]);
  assert.deepEqual(passing('opt=none'), [4]);
  assert.deepEqual(passing('hidden_size=64,32'), [1]);
  assert.deepEqual(passing('hidden_size="64 32"'), [1]);
  assert.deepEqual(passing('hidden_size>=64'), [0]);
  assert.deepEqual(passing('shuffle=false'), [2, 3]);
  assert.deepEqual(passing('shuffle=yes'), [0, 1, 4]);
});

test('free text is looked for in names, tags and categories, whatever its case', () => {
  assert.deepEqual(passing('ADAM'), [0, 2, 3]);
  assert.deepEqual(passing('adam three'), [3]);
  assert.deepEqual(passing('tags=good'), [0, 2]);
});

test('what is not understood is said, and filters nothing', () => {
  const { passes, problems } = makeFilter('nothing=1', COLUMNS);
  assert.equal(passes, null);
  assert.deepEqual(problems, ['there is no column nothing']);
  assert.equal(columnFor('val', COLUMNS), undefined);
  assert.equal(columnFor('act', COLUMNS), undefined);
  assert.equal(columnFor('learn', COLUMNS).name, 'learning_rate');
  assert.deepEqual(passing('val_accuracy>'), [0, 1, 2, 3, 4]);
});

test('rows are sorted both ways with missing ones last, and equal ones stay in order', () => {
  const sorted = (name, down, mask = null) => [...order(COLUMNS, mask, { name, down })];
  assert.deepEqual(sorted('val_accuracy', true), [0, 3, 1, 4, 2]);
  assert.deepEqual(sorted('val_accuracy', false), [4, 1, 3, 0, 2]);
  assert.deepEqual(sorted('val_loss', false), [0, 3, 1, 2, 4]);
  assert.deepEqual(sorted('optimizer', false), [2, 3, 0, 1, 4]);
  assert.deepEqual(sorted('name', false), [2, 3, 0, 1, 4].sort((a, b) => (COLUMNS.column('name').at(a).toLowerCase() < COLUMNS.column('name').at(b).toLowerCase() ? -1 : 1)));
  assert.deepEqual(sorted('val_loss', true, new Uint8Array([1, 0, 1, 1, 0])), [2, 0, 3]);
  assert.deepEqual([...order(COLUMNS, null, null)], [0, 1, 2, 3, 4]);
});

test('groups come with mean, deviation and count, never the mean alone', () => {
  const found = groups(COLUMNS, [0, 1, 2, 3, 4], 'optimizer');
  assert.deepEqual(found.map((group) => [group.value, group.rows]), [['nadam', [0]], ['sgd', [1]], ['adam', [2, 3]], [null, [4]]]);
  assert.deepEqual(found[2].of('val_accuracy'), { n: 1, mean: 0.881, sd: null });
  const { mean, sd, n } = spread(COLUMNS.column('val_loss'), [2, 3]);
  assert.equal(n, 2);
  assert.ok(Math.abs(mean - 0.4) < 1e-12 && Math.abs(sd - Math.SQRT2 / 10) < 1e-12);
  assert.equal(found[0].of('name'), null);
});

test('10,000 rows are filtered and sorted within 50 ms', () => {
  const rows = 10000;
  const values = Array.from({ length: rows }, (_, i) => (i % 50 === 0 ? null : ((i * 7919) % 9973) / 9973));
  const columns = columnsOf({
    rows,
    columns: [
      { name: 'name', kind: 'text', values: values.map((value, i) => `run ${i} adam ${value}`) },
      { name: 'val_accuracy', kind: 'number', scale: 'linear', values },
      { name: 'optimizer', kind: 'category', levels: ['adam', 'sgd'], codes: values.map((_, i) => i % 2) },
    ],
  });
  const mask = new Uint8Array(rows);
  const times = [0, 1, 2, 3, 4].map(() => {
    const start = performance.now();
    const { passes } = makeFilter('val_accuracy>0.2 optimizer=adam adam', columns);
    for (let i = 0; i < rows; i++) mask[i] = passes(i) ? 1 : 0;
    order(columns, mask, { name: 'name', down: false });
    return performance.now() - start;
  });
  assert.ok(Math.min(...times) <= 50, `${times}`);
});
