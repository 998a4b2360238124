import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { cividis, contrast, dashes, diverging, ground, ink, pins, symbols } from '../palette.js';

test('marks of both themes have 3:1 against the page, and differ in dash and marker', () => {
  for (const theme of ['light', 'dark']) {
    assert.equal(new Set(pins[theme]).size, 8);
    for (const color of pins[theme]) assert.ok(contrast(color, ground[theme]) >= 3, `${color} in ${theme}`);
  }
  assert.equal(new Set(dashes).size, 8);
  assert.equal(new Set(symbols).size, 8);
});

test('text on any color of a scale has 4.5:1', () => {
  for (let t = 0; t <= 1; t += 0.01) {
    assert.ok(contrast(cividis(t), ink(cividis(t))) >= 4.5, `cividis ${t}`);
    for (const theme of ['light', 'dark']) {
      for (const at of [t, -t]) assert.ok(contrast(diverging(at, theme), ink(diverging(at, theme))) >= 4.5, `${theme} ${at}`);
    }
  }
});

test('contrast is as WCAG defines it', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21);
  assert.ok(Math.abs(contrast('#777777', '#ffffff') - 4.48) < 0.01);
});

test('text and marks of the style sheet can be read in both themes', () => {
  const sheet = readFileSync(new URL('../style.css', import.meta.url), 'utf8');
  const blocks = { light: /:root \{([^}]*)\}/.exec(sheet)[1], dark: /data-theme='dark'\] \{([^}]*)\}/.exec(sheet)[1] };
  for (const [theme, block] of Object.entries(blocks)) {
    const of = (name) => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(block)[1];
    assert.equal(of('ground'), ground[theme]);
    for (const back of ['ground', 'surface', 'tint']) {
      for (const text of ['ink', 'muted', 'accent', 'bad']) assert.ok(contrast(of(text), of(back)) >= 4.5, `${theme} ${text} on ${back}`);
      for (const mark of ['good', 'bad', 'accent', 'edge']) assert.ok(contrast(of(mark), of(back)) >= 3, `${theme} ${mark} on ${back}`);
    }
  }
});
