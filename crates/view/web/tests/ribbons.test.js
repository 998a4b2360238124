// @ts-check
import test from 'node:test';
import assert from 'node:assert/strict';
import { COARSE, FINE, addLine, addRibbons, binned, createPairs, createPicture, group, paint, wipe } from '../charts/ribbons.js';

/** A generator of numbers in [0, 1), always the same. @param {number} seed */
function random(seed) {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

test('rows of equal places become one ribbon with their count and mean', () => {
  const left = binned(new Float32Array([0, 0, 1, 1]), COARSE);
  const right = binned(new Float32Array([0.5, 0.5, 0, 0.5]), COARSE);
  const pairs = group(createPairs(), left, right, new Float32Array([0.2, 0.4, 1, 0]), null, COARSE);
  assert.equal(pairs.ribbons, 3);
  const first = pairs.used[0];
  assert.equal(pairs.count[first], 2);
  assert.ok(Math.abs(pairs.sum[first] / 2 - 0.3) < 1e-6);
});

test('only rows of the mask count, and buffers forget what was in them', () => {
  const pairs = createPairs();
  const ends = binned(new Float32Array([0, 1]), FINE);
  group(pairs, ends, ends, new Float32Array([1, 1]), null, FINE);
  group(pairs, ends, ends, new Float32Array([1, 0.5]), new Uint8Array([0, 1]), FINE);
  assert.equal(pairs.ribbons, 1);
  assert.equal(pairs.used[0], (FINE - 1) * FINE + FINE - 1);
  assert.equal(pairs.sum[pairs.used[0]], 0.5);
});

test('every column of a picture gets the whole of a line, flat or steep', () => {
  for (const [from, to] of [[10.5, 10.5], [2, 37], [38, 1], [5.2, 9.7]]) {
    const picture = createPicture(20, 40);
    addLine(picture, 0, from, 20, to, 3, 0.5);
    for (let x = 0; x < 20; x++) {
      let column = 0;
      for (let y = 0; y < 40; y++) column += picture.weight[x * 40 + y];
      const wanted = 3 * Math.max(1, Math.abs(to - from) / 20);
      assert.ok(Math.abs(column - wanted) < 1e-3, `${from} to ${to}, column ${x}: ${column}, not ${wanted}`);
    }
  }
});

test('a pixel has the mean color of what lies on it, and more rows are more opaque', () => {
  const colors = Uint32Array.from({ length: 256 }, (_, t) => t);
  const picture = createPicture(1, 2);
  addLine(picture, 0, 0.5, 1, 0.5, 1, 0);
  addLine(picture, 0, 0.5, 1, 0.5, 1, 1);
  addLine(picture, 0, 1.5, 1, 1.5, 1, 1);
  const pixels = new Uint32Array(2);
  paint(picture, pixels, colors, 0.3);
  assert.equal(pixels[0] & 255, 127);
  assert.equal(pixels[1] & 255, 255);
  assert.ok(pixels[0] >>> 24 > pixels[1] >>> 24);
  wipe(picture);
  paint(picture, pixels, colors, 0.3);
  assert.deepEqual([...pixels], [0, 0]);
});

test('ten thousand trials of twelve axes are grouped and drawn within a frame', () => {
  const [rows, axes, next] = [10_000, 12, random(7)];
  const tone = Float32Array.from({ length: rows }, next);
  // Four axes of real numbers, the worst case; the others have few values, spread within their slots.
  const places = Array.from({ length: axes }, (_, a) => Float32Array.from({ length: rows }, (_, i) => (a < 4 ? next() : ((Math.floor(next() * 5) + 0.5 + 0.5 * (tone[i] - 0.5)) / 5))));
  const mask = Uint8Array.from({ length: rows }, () => (next() < 0.5 ? 1 : 0));
  for (const [bins, width, height] of [[COARSE, 600, 160], [FINE, 1200, 320]]) {
    const [bin, pairs, picture, pixels] = [places.map((place) => binned(place, bins)), createPairs(), createPicture(width, height), new Uint32Array(width * height)];
    const gap = Math.floor(width / (axes - 1));
    const times = [];
    for (let repeat = 0; repeat < 9; repeat++) {
      const start = performance.now();
      wipe(picture);
      for (let a = 0; a + 1 < axes; a++) {
        group(pairs, bin[a], bin[a + 1], tone, mask, bins);
        addRibbons(picture, pairs, bins, a * gap, (a + 1) * gap);
      }
      paint(picture, pixels, new Uint32Array(256), 0.3);
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    console.log(`# ${bins} bins, ${width} x ${height}: median ${times[4].toFixed(1)} ms, worst ${times[8].toFixed(1)} ms`);
    // A frame is 16 ms; the bound leaves room for a busy machine, and still fails if drawing becomes ten times slower.
    assert.ok(times[4] < 160, `${times[4]} ms`);
  }
});
