// @ts-check
import test from 'node:test';
import assert from 'node:assert/strict';
import { blocks, yaml, yamlNumber, yamlText } from '../charts/yaml.js';
import { narrowed, newSweep } from '../charts/narrow.js';

/** Reads back just what the writer writes: maps by indentation, lists and maps on one line, YAML 1.1's scalars. @param {string} text */
function read(text) {
  const root = {};
  const open = [{ indent: -1, map: /** @type {any} */ (root) }];
  for (const line of text.split('\n')) {
    if (!line.trim() || line.startsWith('#')) continue;
    const indent = line.length - line.trimStart().length;
    while (open[open.length - 1].indent >= indent) open.pop();
    const map = open[open.length - 1].map;
    const [name, rest] = readKey(line.trim());
    if (rest === '') {
      map[name] = {};
      open.push({ indent, map: map[name] });
    } else {
      const [value, after] = readFlow(rest, 0);
      assert.equal(after, rest.length, `all of ${rest} is read`);
      map[name] = value;
    }
  }
  return root;
}

/** @param {string} line */
function readKey(line) {
  if (line[0] !== '"') return [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()];
  const end = /^"(?:[^"\\]|\\.)*"/.exec(line)?.[0] ?? '';
  return [JSON.parse(end), line.slice(end.length + 1).trim()];
}

/** @param {string} text @param {number} at @returns {[any, number]} */
function readFlow(text, at) {
  while (text[at] === ' ') at++;
  if (text[at] === '[' || text[at] === '{') {
    const list = text[at] === '[';
    const found = /** @type {any} */ (list ? [] : {});
    for (at++; !']}'.includes(text[at]); ) {
      while (text[at] === ',' || text[at] === ' ') at++;
      if (list) {
        const [value, after] = readFlow(text, at);
        found.push(value);
        at = after;
      } else {
        const [name, rest] = readKey(text.slice(at));
        const [value, after] = readFlow(rest, 0);
        found[name] = value;
        at = text.length - rest.length + after;
      }
    }
    return [found, at + 1];
  }
  if (text[at] === '"') {
    const raw = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(at))?.[0] ?? '';
    return [JSON.parse(raw), at + raw.length];
  }
  const raw = /^[^,\]}]*/.exec(text.slice(at))?.[0] ?? '';
  return [plain(raw.replace(/ #.*$/, '').trim()), at + raw.length];
}

/** A plain scalar, as PyYAML reads it. @param {string} raw */
function plain(raw) {
  if (/^(null|~)$/.test(raw)) return null;
  if (/^(true|yes|on)$/i.test(raw)) return true;
  if (/^(false|no|off)$/i.test(raw)) return false;
  if (/^[-+]?[0-9]+$/.test(raw) || /^[-+]?[0-9]*\.[0-9]*([eE][-+][0-9]+)?$/.test(raw)) return Number(raw);
  return raw;
}

test('what is written is read back the same, by the rules of old readers too', () => {
  const map = {
    name: 'a: "b" # c',
    'odd key: ': 1,
    parameters: {
      learning_rate: { distribution: 'log_uniform_values', min: 0.0000001, max: 1e-3 },
      hidden_size: { values: [[256, 128], [64], 32] },
      optimizer: { values: ['adam', 'no', 'yes', '1e-05', '007', 'null', '', ' a', '3:30', '@x', '- x', 'ü\n', 'a, b', '{c}'] },
      shuffle: { values: [true, false, null], probabilities: [0.5, 0.25, 0.25] },
      empty: {},
      options: { values: [{ a: 1, b: ['x'] }] },
    },
  };
  assert.deepEqual(read(yaml(map)), map);
});

test('numbers with an exponent have a point, or old readers take them for texts', () => {
  assert.equal(yamlNumber(1e-7), '1.0e-7');
  assert.equal(yamlNumber(2.5e21), '2.5e+21');
  assert.equal(yamlNumber(0.001), '0.001');
  assert.equal(yamlText('adam'), 'adam');
  assert.equal(yamlText('On'), '"On"');
});

const SWEEP = {
  name: 'search',
  method: 'bayes',
  metric: 'val_accuracy',
  goal: 'maximize',
  yaml: '# About parameters.\nmethod: bayes\n\n# Why hyperband.\nearly_terminate:\n  type: hyperband # quick\n  eta: 3\n\nrun_cap: 100\nparameters:\n  run_cap:\n    value: 1\n',
  parameters: {
    learning_rate: { distribution: 'log_uniform_values', min: 0.0001, max: 0.1 },
    optimizer: { values: ['sgd', 'adam', 'nadam'], probabilities: [0.5, 0.25, 0.25] },
    hidden_size: { values: [[256, 128], [64], 32] },
    layers: { min: 1, max: 6 },
    'nested.rate': { distribution: 'log_uniform', min: -9, max: -2 },
    dataset: { value: 'mnist' },
  },
};

test('a new sweep has what is brushed, and all else as it was', () => {
  const brushes = new Map(/** @type {[string, any][]} */ ([
    ['learning_rate', { low: 0.00123456, high: 5 }],
    ['optimizer', { levels: ['adam', 'nadam'] }],
    ['hidden_size', { levels: [[256, 128]] }],
    ['layers', { low: 2, high: 4 }],
    ['nested.rate', { low: 0.001, high: 0.01 }],
  ]));
  const text = newSweep(SWEEP, brushes, () => ({ low: 0, high: 0, levels: ['never asked'] }), 12);
  assert.deepEqual(read(text), {
    name: 'search-narrowed',
    method: 'bayes',
    metric: { name: 'val_accuracy', goal: 'maximize' },
    early_terminate: { type: 'hyperband', eta: 3 },
    run_cap: 100,
    parameters: {
      learning_rate: { distribution: 'log_uniform_values', min: 0.00123, max: 0.1 },
      optimizer: { values: ['adam', 'nadam'], probabilities: [0.5, 0.5] },
      hidden_size: { value: [256, 128] },
      layers: { min: 2, max: 4 },
      nested: { parameters: { rate: { distribution: 'log_uniform_values', min: 0.001, max: 0.01 } } },
      dataset: { value: 'mnist' },
    },
  });
});

test('if the metric is brushed, parameters keep what the brushed trials have', () => {
  const seen = (/** @type {string} */ name) => (name === 'optimizer' ? { low: 0, high: 0, levels: ['nadam'] } : name === 'learning_rate' ? { low: 0.001001, high: 0.0099, levels: [] } : null);
  const { parameters } = /** @type {any} */ (read(newSweep(SWEEP, new Map([['metric', { low: 0.8, high: null }]]), seen, 9)));
  assert.deepEqual(parameters.optimizer, { value: 'nadam' });
  assert.deepEqual(parameters.learning_rate, { distribution: 'log_uniform_values', min: 0.001, max: 0.0099 });
  assert.deepEqual(parameters.layers, { min: 1, max: 6 });
});

test('a brush that a parameter cannot follow leaves it alone', () => {
  assert.deepEqual(narrowed({ values: [1, 2] }, { levels: ['x'] }), { values: [1, 2] });
  assert.deepEqual(narrowed({ distribution: 'normal', mu: 0, sigma: 1 }, { low: 1, high: null }), { distribution: 'normal', mu: 0, sigma: 1 });
  assert.deepEqual(narrowed({ distribution: 'normal', mu: 0, sigma: 1 }, { low: -1, high: 1 }), { distribution: 'uniform', min: -1, max: 1 });
  assert.deepEqual(narrowed({ min: 0, max: 1 }, { levels: [null] }), { min: 0, max: 1 });
  assert.deepEqual(narrowed({ distribution: 'int_uniform', min: 1, max: 9 }, { low: 3.2, high: 3.4 }), { distribution: 'int_uniform', min: 1, max: 9 });
});

test('blocks of a sweep file come with their comments, and nothing of the others', () => {
  assert.equal(blocks(SWEEP.yaml, ['early_terminate', 'run_cap']), '# Why hyperband.\nearly_terminate:\n  type: hyperband # quick\n  eta: 3\nrun_cap: 100\n');
});
