import assert from 'node:assert/strict';
import test from 'node:test';
import { ago, brief, count, duration, number, percent, plain, plural, points } from '../format.js';

test('what is missing is a dash in every form', () => {
  for (const form of [percent, points, number, count, duration, plain]) assert.equal(form(null), '–');
  assert.equal(number(NaN), '–');
  assert.equal(percent(Infinity), '–');
});

test('percentages keep their digits and points their sign', () => {
  assert.equal(percent(0.8891), '88.9%');
  assert.equal(percent(0.8891, 2), '88.91%');
  assert.equal(points(0.0124), '+1.2');
  assert.equal(points(-0.0124), '−1.2');
  assert.equal(points(-0.0001), '0.0');
});

test('numbers are short and say nothing that is not there', () => {
  assert.equal(number(0.311063), '0.3111');
  assert.equal(number(0.00001), '1e-5');
  assert.equal(number(123456), '123,456');
  assert.equal(number(0), '0');
  assert.equal(number(2.5e9), '2.5e9');
  assert.equal(count(1290), '1,290');
  assert.equal(plural(1, 'run'), '1 run');
  assert.equal(plural(12000, 'run'), '12,000 runs');
});

test('durations are in the largest unit that fits', () => {
  assert.equal(duration(0.84), '0.84 s');
  assert.equal(duration(14.2), '14 s');
  assert.equal(duration(59.7), '1 min');
  assert.equal(duration(185), '3 min 5 s');
  assert.equal(duration(7800), '2 h 10 min');
});

test('settings are written as people type them', () => {
  assert.equal(plain(0.001), '1e-3');
  assert.equal(plain(0.04042550973), '0.04043');
  assert.equal(plain([256, 128]), '256 128');
  assert.equal(plain(true), 'yes');
  assert.equal(plain([]), 'none');
  assert.equal(plain({ a: 1 }), '{"a":1}');
});

test('long names are cut, short ones are not', () => {
  assert.equal(brief('abcdef', 4), 'abc…');
  assert.equal(brief('abcd', 4), 'abcd');
});

test('moments are told by how long ago they were', () => {
  assert.equal(ago(1000, 2000), 'just now');
  assert.equal(ago(0, 5 * 60000), '5 min ago');
  assert.equal(ago(0, 3 * 3600000), '3 h ago');
});
