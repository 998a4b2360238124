// @ts-check
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RUNS, TRIALS, improvements } from '../best.js';

const { tiers, cases } = JSON.parse(readFileSync(new URL('best.json', import.meta.url), 'utf8'));

test('the best is chosen by the rule that the program has, too', () => {
  assert.deepEqual([tiers.trials, tiers.runs], [TRIALS, RUNS]);
  for (const each of cases) {
    const rows = each.candidates.map((/** @type {any} */ _, /** @type {number} */ i) => i);
    const found = improvements(rows, (i) => each.candidates[i][0], (i) => each.candidates[i][1], tiers[each.tiers]);
    assert.deepEqual(found, each.improvements, JSON.stringify(each));
  }
});
