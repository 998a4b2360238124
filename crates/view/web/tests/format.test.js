import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { ago, brief, bytes, cell, count, csvLine, duration, number, percent, plain, plural, points, rate } from '../format.js';
import { cellText } from '../table.js';

test('what is missing is a dash in every form', () => {
  for (const form of [percent, points, number, count, duration, plain]) assert.equal(form(null), '–');
  assert.equal(number(NaN), '–');
  assert.equal(percent(Infinity), '–');
});

test('every form is as the cases say that the program reads too', () => {
  const forms = { percent, points, number, rate, plain, duration, bytes, ago: (ms) => ago(0, ms), cell: ({ name, value }) => cellText(name, value) };
  const cases = JSON.parse(readFileSync(new URL('format.json', import.meta.url), 'utf8'));
  for (const [form, list] of Object.entries(cases)) {
    for (const given of list) assert.equal(forms[form](...given.slice(0, -1)), given.at(-1), `${form} of ${JSON.stringify(given[0])}`);
  }
});

test('counts have separators', () => {
  assert.equal(count(1290), '1,290');
  assert.equal(plural(1, 'run'), '1 run');
  assert.equal(plural(12000, 'run'), '12,000 runs');
  assert.equal(plain({ a: 1 }), '{"a":1}');
});

test('long names are cut, short ones are not', () => {
  assert.equal(brief('abcdef', 4), 'abc…');
  assert.equal(brief('abcd', 4), 'abcd');
});

test('a cell of a spreadsheet is no formula, as in the export of the program', () => {
  const cases = JSON.parse(readFileSync(new URL('../../../export/goldens/csv.json', import.meta.url), 'utf8'));
  for (const { value, cell: expected } of cases) assert.equal(cell(value), expected, JSON.stringify(value));
  assert.equal(csvLine(['a"b', 'c,d', '=1\r', null, 2]), '"a""b","c,d","\'=1\r",,2');
});
