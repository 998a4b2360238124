import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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
  assert.deepEqual(terms('lr==1'), [{ name: 'lr', op: '=', value: '1' }]);
  assert.deepEqual(terms(''), []);
});

/** The runs of the shared cases as the server sends them. @param {any[]} runs */
function columnsOfRuns(runs) {
  const kinds = { id: 'text', name: 'text', tags: 'text', notes: 'text', started_ms: 'time' };
  return columnsOf({
    rows: runs.length,
    columns: Object.keys(runs[0]).map((name) => {
      const values = runs.map((run) => (name === 'tags' ? run.tags.join(' ') : run[name]));
      const kind = kinds[name] ?? (values.every((value) => value === null || typeof value === 'number') ? 'number' : 'category');
      if (kind !== 'category') return { name, kind, values };
      const levels = [...new Set(values.filter((value) => value !== null).map((value) => JSON.stringify(value)))];
      return { name, kind, levels: levels.map((level) => JSON.parse(level)), codes: values.map((value) => levels.indexOf(JSON.stringify(value))) };
    }),
  });
}

test('filters find what the cases say that the program reads too', () => {
  const { runs, filters } = JSON.parse(readFileSync(new URL('filter.json', import.meta.url), 'utf8'));
  const columns = columnsOfRuns(runs);
  for (const { filter, passes: expected } of filters) {
    const { passes, problems } = makeFilter(filter, columns);
    const found = problems.length ? null : runs.filter((_, i) => !passes || passes(i)).map((run) => run.id);
    assert.deepEqual(found, expected, filter);
  }
});

test('a setting that all runs share has no column, and is still found', () => {
  const { passes } = makeFilter('dataset=fashion loss:cross optimizer=adam', COLUMNS, { dataset: 'fashion_mnist', loss: 'cross_entropy' });
  assert.deepEqual([0, 1, 2, 3, 4].filter((i) => passes(i)), [2, 3]);
  assert.equal(makeFilter('dataset!=fashion', COLUMNS, { dataset: 'fashion_mnist' }).passes(0), false);
});

test('terms that are not understood are said, and the others hold', () => {
  const { passes, problems } = makeFilter('nothing=1', COLUMNS);
  assert.equal(passes, null);
  assert.deepEqual(problems, ['there is no column nothing']);
  assert.deepEqual(makeFilter('val_accuracy>', COLUMNS).problems, ['val_accuracy> has no value']);
  assert.deepEqual(makeFilter('optimizer=adma', COLUMNS).problems, ['optimizer has no value adma']);
  assert.deepEqual(passing('val_accuracy> optimizer=adam'), [2, 3]);
  assert.equal(columnFor('val', COLUMNS), undefined);
  assert.equal(columnFor('act', COLUMNS), undefined);
  assert.equal(columnFor('learn', COLUMNS), undefined);
  assert.equal(columnFor('LR', COLUMNS).name, 'learning_rate');
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
