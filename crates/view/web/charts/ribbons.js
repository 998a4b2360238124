// @ts-check
// Thousands of rows between parallel axes: rows of equal places become one ribbon, and ribbons become pixels. Pure, and quick.
//
// Ten thousand translucent lines are slow and unreadable. Real sweeps have few different values, so few pairs of neighboring
// values: each pair is drawn once, colored by the mean of its rows, the more opaque the more rows it has.

/** Places per axis while ribbons are looked at, and while somebody drags. */
export const FINE = 128;
export const COARSE = 64;

/**
 * Buffers that drawing reuses, so that a redraw allocates nothing.
 * @typedef {{count: Uint32Array, sum: Float32Array, used: Uint32Array, ribbons: number}} Pairs
 */

/** Buffers for pairs of at most `FINE` places. @returns {Pairs} */
export function createPairs() {
  return { count: new Uint32Array(FINE * FINE), sum: new Float32Array(FINE * FINE), used: new Uint32Array(FINE * FINE), ribbons: 0 };
}

/** The places of an axis as whole numbers below `bins`. @param {Float32Array} place @param {number} bins */
export function binned(place, bins) {
  const found = new Uint8Array(place.length);
  for (let i = 0; i < place.length; i++) found[i] = Math.min(bins - 1, Math.max(0, Math.round(place[i] * (bins - 1))));
  return found;
}

/**
 * Groups the rows of a mask by their places on two axes. `pairs.used` lists the ribbons as `left * bins + right`.
 * @param {Pairs} pairs @param {Uint8Array} left @param {Uint8Array} right @param {Float32Array} tone of each row, in [0, 1]
 * @param {Uint8Array|null} mask all rows if null @param {number} bins
 */
export function group(pairs, left, right, tone, mask, bins) {
  const { count, sum, used } = pairs;
  count.fill(0, 0, bins * bins);
  let ribbons = 0;
  for (let i = 0; i < left.length; i++) {
    if (mask !== null && mask[i] === 0) continue;
    const pair = left[i] * bins + right[i];
    if (count[pair] === 0) {
      used[ribbons++] = pair;
      sum[pair] = 0;
    }
    count[pair]++;
    sum[pair] += tone[i];
  }
  pairs.ribbons = ribbons;
  return pairs;
}

/**
 * A picture of `width` x `height` pixels: what lies on each pixel, and the sum of its tones. Column by column, as lines are added.
 * @typedef {{width: number, height: number, weight: Float32Array, tone: Float32Array}} Picture
 */

/** An empty picture. @param {number} width @param {number} height @returns {Picture} */
export function createPicture(width, height) {
  return { width, height, weight: new Float32Array(width * height), tone: new Float32Array(width * height) };
}

/** @param {Picture} picture */
export function wipe(picture) {
  picture.weight.fill(0);
  picture.tone.fill(0);
}

/**
 * Adds a line from (`x0`, `y0`) to (`x1`, `y1`), `x0 < x1` whole, `y` from the top in pixels. Each column gets the line's stretch in
 * it, its ends in proportion, so steep lines have no holes and flat ones no steps.
 * @param {Picture} picture @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 @param {number} count
 * @param {number} tone mean of its rows
 * @param {number} [thick] in pixels
 * @param {number} [dash] length of dashes and of the gaps between them, in columns; 0 for a whole line
 * @param {number} [phase] where in its pattern the first dash begins, so that lines side by side do not make stripes
 */
export function addLine(picture, x0, y0, x1, y1, count, tone, thick = 1, dash = 0, phase = 0) {
  const { height, weight, tone: sum } = picture;
  const slope = (y1 - y0) / (x1 - x0);
  // Of ribbons, only that they have no holes matters; of single lines, that they are equally thick at every slope.
  const half = thick === 1 ? Math.max(0.5, Math.abs(slope) / 2) : (thick / 2) * Math.hypot(1, slope);
  const whole = count * tone;
  let top = y0 + slope / 2 - half;
  for (let x = x0, base = x0 * height; x < x1; x++, base += height, top += slope) {
    if (dash > 0 && (((x + phase) / dash) & 1) === 1) continue;
    const from = top > 0 ? top : 0;
    const foot = top + 2 * half;
    const to = foot < height ? foot : height;
    let j = base + (from | 0);
    const last = base + (to | 0);
    const head = 1 - (from - (from | 0));
    if (last === j) {
      weight[j] += (to - from) * count;
      sum[j] += (to - from) * whole;
      continue;
    }
    weight[j] += head * count;
    sum[j] += head * whole;
    for (j++; j < last; j++) {
      weight[j] += count;
      sum[j] += whole;
    }
    const tail = to - (to | 0);
    if (tail > 0) {
      weight[j] += tail * count;
      sum[j] += tail * whole;
    }
  }
}

/** Adds the ribbons of a pair of axes, between columns `x0` and `x1`. @param {Picture} picture @param {Pairs} pairs @param {number} bins @param {number} x0 @param {number} x1 */
export function addRibbons(picture, pairs, bins, x0, x1) {
  const { count, sum, used, ribbons } = pairs;
  const scale = (picture.height - 1) / (bins - 1);
  const foot = picture.height - 0.5;
  for (let k = 0; k < ribbons; k++) {
    const pair = used[k];
    const n = count[pair];
    addLine(picture, x0, foot - ((pair / bins) | 0) * scale, x1, foot - (pair % bins) * scale, n, sum[pair] / n);
  }
}

/**
 * Colors a picture: hue by mean tone, opacity by how many rows lie there, in steps of a logarithm.
 * @param {Picture} picture @param {Uint32Array} pixels @param {Uint32Array} colors 256 colors without opacity, as ABGR
 * @param {number} least opacity of one row, in [0, 1]
 */
export function paint(picture, pixels, colors, least) {
  const { width, height, weight, tone } = picture;
  const opacities = opacityTable(least);
  for (let x = 0, j = 0; x < width; x++) {
    for (let y = 0, to = x; y < height; y++, j++, to += width) {
      const n = weight[j];
      if (n === 0) {
        pixels[to] = 0;
        continue;
      }
      const step = n < 64 ? (n * 16) | 0 : 1023;
      pixels[to] = colors[((tone[j] / n) * 255) | 0] | (opacities[step] << 24);
    }
  }
}

const tables = /** @type {Map<number, Uint8Array>} */ (new Map());

/** Opacity of n/16 rows: in proportion up to one row, then by its logarithm, full at 64 rows. @param {number} least */
function opacityTable(least) {
  let table = tables.get(least);
  if (!table) {
    table = new Uint8Array(1024);
    for (let step = 0; step < 1024; step++) {
      const n = (step + 0.5) / 16;
      table[step] = 255 * (n < 1 ? least * n : least + (1 - least) * Math.min(1, Math.log(n) / Math.log(64)));
    }
    tables.set(least, table);
  }
  return table;
}
