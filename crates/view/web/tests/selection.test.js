import assert from 'node:assert/strict';
import test from 'node:test';
import { columnsOf, withRow } from '../columns.js';
import { createSelection } from '../selection.js';

const JSON_COLUMNS = {
  rows: 4,
  columns: [
    { name: 'id', kind: 'text', values: ['a', 'b', 'c', 'd'] },
    { name: 'lr', kind: 'number', scale: 'log', values: [0.1, 0.01, null, 0.001] },
    { name: 'sizes', kind: 'category', levels: [[64], [64, 32]], codes: [0, 1, -1, 1] },
  ],
};
const rows = (selection) => [...selection.mask].map((bit, i) => (bit ? i : -1)).filter((i) => i >= 0);

test('columns give values by name and row, and null for what is missing', () => {
  const columns = columnsOf(JSON_COLUMNS);
  assert.deepEqual(columns.row(1), { id: 'b', lr: 0.01, sizes: [64, 32] });
  assert.deepEqual(columns.row(2), { id: 'c', lr: null, sizes: null });
  assert.equal(columns.column('lr').scale, 'log');
  assert.equal(columns.column('none'), undefined);
});

test('a row that came live takes its own place, and a new one comes first', () => {
  const changed = columnsOf(withRow(JSON_COLUMNS, { id: 'c', lr: 0.5, sizes: [64] }));
  assert.deepEqual(changed.row(2), { id: 'c', lr: 0.5, sizes: [64] });
  const more = columnsOf(withRow(JSON_COLUMNS, { id: 'e', lr: null, sizes: [8], other: 1 }));
  assert.equal(more.rows, 5);
  assert.deepEqual(more.row(0), { id: 'e', lr: null, sizes: [8] });
  assert.deepEqual(more.row(1).sizes, [64]);
  assert.deepEqual(JSON_COLUMNS.columns[2].levels, [[64], [64, 32]]);
});

test('brushes exclude together, lists and missing values among them', () => {
  const selection = createSelection(columnsOf(JSON_COLUMNS));
  assert.equal(selection.count, 4);
  selection.setBrush('lr', { low: 0.005, high: 1 });
  assert.deepEqual(rows(selection), [0, 1]);
  selection.setBrush('sizes', { levels: [[64, 32]] });
  assert.deepEqual(rows(selection), [1]);
  selection.setBrush('lr', null);
  assert.deepEqual(rows(selection), [1, 3]);
  selection.setBrush('sizes', { levels: [null] });
  assert.deepEqual(rows(selection), [2]);
  selection.setBrushes({ lr: { low: 0, high: 0.002, missing: true } });
  assert.deepEqual(rows(selection), [2, 3]);
  selection.setBrush('lr', { low: null, high: 0.01 });
  assert.deepEqual(rows(selection), [1, 3]);
  selection.clearBrushes();
  assert.equal(selection.count, 4);
});

test('a filter holds beside the brushes', () => {
  const selection = createSelection(columnsOf(JSON_COLUMNS));
  selection.setFilter((i) => i !== 0);
  selection.setBrush('lr', { low: 0, high: 1 });
  assert.deepEqual(rows(selection), [1, 3]);
});

test('eight rows are pinned at most, and each keeps its color', () => {
  const columns = columnsOf({ rows: 20, columns: [] });
  const selection = createSelection(columns);
  for (let i = 0; i < 8; i++) assert.equal(selection.togglePin(i), true);
  assert.equal(selection.togglePin(9), false);
  selection.togglePin(0);
  assert.equal(selection.slot(1), 1);
  selection.togglePin(9);
  assert.equal(selection.slot(9), 0);
  assert.equal(selection.slot(0), -1);
});

test('everyone hears of a change until he leaves, and nobody of none', () => {
  const selection = createSelection(columnsOf(JSON_COLUMNS));
  const heard = [];
  const leave = selection.subscribe((change) => heard.push(change));
  selection.setHovered(1);
  selection.setHovered(1);
  selection.togglePin(1);
  selection.setBrush('lr', null);
  leave();
  selection.setHovered(null);
  assert.deepEqual(heard, ['hover', 'pins', 'brush']);
});
