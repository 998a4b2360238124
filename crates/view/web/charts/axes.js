// @ts-check
// The axes of parallel coordinates and slices: where a value lies, what a stretch of an axis means, and where its ticks are. Pure.
//
// A place is a number in [0, 1], 0 at the foot. What is missing has a place of its own at the foot, so no row ever vanishes.
// An axis has `steps` (categories, lists, true and false, and numbers of few values: each has a slot) or is a `line`.
import { number, plain } from '../format.js';

/**
 * @typedef {{low: number|null, high: number|null, missing?: boolean} | {levels: any[]}} Brush
 * @typedef {{name: string, number: boolean, steps: boolean, scale: 'linear'|'log'|'rank', values: any[], low: number, high: number,
 *   floor: number, missing: number, absent: string, text: (value: any) => string, place: Float32Array}} Axis
 */

/** Numbers of at most this many different values have slots. */
const FEW = 8;
/** Share of an axis that what is missing takes. */
const FOOT = 0.14;
/** Share of a slot over which its rows are spread. */
const SPREAD = 0.56;

/** A level as a key of a map. @param {any} level */
export function key(level) {
  return typeof level === 'string' ? level : JSON.stringify(level ?? null);
}

/** `key` that remembers: the rows of a column have few different levels, and writing each as text is slow. @returns {(level: any) => string|number} */
export function keys() {
  const known = new Map();
  return (level) => {
    if (typeof level === 'number') return level;
    let text = known.get(level);
    if (text === undefined) known.set(level, (text = key(level)));
    return text;
  };
}

/** Levels in their natural order: false before true, numbers and lists of numbers by size, texts as they came. @param {any[]} levels */
export function ordered(levels) {
  const flat = (/** @type {any} */ level) => (Array.isArray(level) ? level : [level]).map(Number);
  if (levels.some((level) => typeof level === 'string' || flat(level).some(Number.isNaN))) return [...levels];
  return [...levels].sort((a, b) => {
    const [left, right] = [flat(a), flat(b)];
    if (Array.isArray(a) && Array.isArray(b) && left.length !== right.length) return left.length - right.length;
    const differs = left.findIndex((value, i) => value !== right[i]);
    return differs < 0 ? 0 : left[differs] - (right[differs] ?? -Infinity);
  });
}

/**
 * The axis of a column. `order` is each row's rank in [0, 1], by which the rows of one slot are spread.
 * @param {{name?: string, kind: string, scale?: string, at: (i: number) => any}} column
 * @param {number} rows
 * @param {{name: string, scale?: string|null, order?: Float32Array|null, absent?: string, text?: (value: any) => string}} options `text` is how ticks say a value
 * @returns {Axis}
 */
export function axisOf(column, rows, { name, scale = null, order = null, absent = 'none', text }) {
  const isNumber = column.kind === 'number' || column.kind === 'time';
  const values = Array.from({ length: rows }, (_, i) => column.at(i));
  const there = values.filter((value) => value !== null && value !== undefined);
  const keyOf = keys();
  const byKey = new Map(there.map((value) => [keyOf(value), value]));
  const distinct = isNumber ? [...byKey.values()].sort((a, b) => a - b) : ordered([...byKey.values()]);
  const missing = rows - there.length;
  const positive = isNumber && distinct.length > 0 && distinct[0] > 0;
  let chosen = scale ?? (isNumber && distinct.length <= FEW ? 'rank' : column.scale ?? 'linear');
  if (chosen === 'log' && !positive) chosen = 'linear';
  const axis = {
    name,
    number: isNumber,
    steps: !isNumber || (chosen === 'rank' && distinct.length <= 3 * FEW),
    scale: /** @type {'linear'|'log'|'rank'} */ (isNumber ? chosen : 'rank'),
    values: distinct,
    low: isNumber ? distinct[0] ?? 0 : 0,
    high: isNumber ? distinct[distinct.length - 1] ?? 1 : 1,
    floor: missing > 0 ? FOOT : 0,
    missing,
    absent,
    text: text ?? (isNumber ? number : plain),
    place: new Float32Array(rows),
  };
  const slots = new Map(distinct.map((value, j) => [keyOf(value), j]));
  values.forEach((value, i) => {
    const spread = order ? order[i] - 0.5 : 0;
    if (value === null || value === undefined) axis.place[i] = FOOT * (0.3 + 0.4 * spread);
    else if (axis.steps) axis.place[i] = middle(axis, /** @type {number} */ (slots.get(keyOf(value)))) + spread * SPREAD * slot(axis);
    else axis.place[i] = at(axis, value);
  });
  return axis;
}

/** True if few bad values would press all others into a corner of a linear axis. @param {{at: (i: number) => any}} column @param {number} rows @param {boolean} maximize */
export function skewed(column, rows, maximize) {
  const values = Array.from({ length: rows }, (_, i) => column.at(i)).filter((value) => value !== null).sort((a, b) => a - b);
  if (values.length < 10) return false;
  const [low, middling, high] = [values[0], values[values.length >> 1], values[values.length - 1]];
  return maximize ? middling - low > 3 * (high - middling) : high - middling > 3 * (middling - low);
}

/** The scales that an axis can have, in the order in which a reader goes through them. @param {Axis} axis */
export function scales(axis) {
  if (!axis.number || axis.values.length < 2) return [];
  return axis.low > 0 ? ['linear', 'log', 'rank'] : ['linear', 'rank'];
}

const slot = (/** @type {Axis} */ axis) => (1 - axis.floor) / Math.max(1, axis.values.length);
const middle = (/** @type {Axis} */ axis, /** @type {number} */ j) => axis.floor + (j + 0.5) * slot(axis);

/** Index of the first of the ascending `values` that is not below `value`. @param {number[]} values @param {number} value */
function lowerBound(values, value) {
  let [from, to] = [0, values.length];
  while (from < to) {
    const half = (from + to) >> 1;
    if (values[half] < value) from = half + 1;
    else to = half;
  }
  return from;
}

/** The place of a value, not cut to the axis. @param {Axis} axis @param {any} value */
export function at(axis, value) {
  if (value === null || value === undefined) return FOOT * 0.3;
  if (axis.steps) {
    if (!axis.number) return middle(axis, axis.values.findIndex((level) => key(level) === key(value)));
    return middle(axis, Math.min(axis.values.length - 1, lowerBound(axis.values, value)));
  }
  const span = 1 - axis.floor;
  if (axis.scale === 'rank') {
    const last = axis.values.length - 1;
    const after = lowerBound(axis.values, value);
    if (after === 0 || after > last || axis.values[after] === value) return axis.floor + (span * Math.min(after, last)) / last;
    const [below, above] = [axis.values[after - 1], axis.values[after]];
    return axis.floor + (span * (after - 1 + (value - below) / (above - below))) / last;
  }
  const scaled = axis.scale === 'log' ? Math.log : (/** @type {number} */ x) => x;
  const [low, high] = [scaled(axis.low), scaled(axis.high)];
  return axis.floor + span * (high > low ? (scaled(value) - low) / (high - low) : 0.5);
}

/** The number at a place of a line. @param {Axis} axis @param {number} place */
export function valueAt(axis, place) {
  const share = Math.min(1, Math.max(0, (place - axis.floor) / (1 - axis.floor)));
  if (axis.scale === 'log') return axis.low * (axis.high / axis.low) ** share;
  if (axis.scale === 'linear') return axis.low + (axis.high - axis.low) * share;
  const exact = share * (axis.values.length - 1);
  const below = Math.floor(exact);
  const above = Math.min(below + 1, axis.values.length - 1);
  return axis.values[below] + (axis.values[above] - axis.values[below]) * (exact - below);
}

/** A number rounded to what a drag can mean, so that brushes read well. @param {Axis} axis @param {number} x */
function neat(axis, x) {
  if (x === 0 || !Number.isFinite(x)) return x;
  const fine = axis.scale === 'linear' ? (axis.high - axis.low) / 200 : Math.abs(x) / 200;
  return Number(x.toFixed(Math.min(20, Math.max(0, Math.ceil(-Math.log10(fine))))));
}

/** The brush of a stretch of an axis, or null where it covers nothing. @param {Axis} axis @param {number} from @param {number} to @returns {Brush|null} */
export function brushOf(axis, from, to) {
  const [low, high] = [Math.min(from, to), Math.max(from, to)];
  const missing = axis.missing > 0 && low < FOOT * 0.6;
  if (high < axis.floor) return missing ? { levels: [null] } : null;
  if (axis.steps) {
    const first = Math.max(0, Math.floor((low - axis.floor) / slot(axis)));
    const last = Math.min(axis.values.length - 1, Math.floor((high - axis.floor) / slot(axis)));
    const levels = axis.values.slice(first, last + 1);
    if (!levels.length) return missing ? { levels: [null] } : null;
    if (!axis.number) return { levels: missing ? [...levels, null] : levels };
    return { low: levels[0], high: levels[levels.length - 1], ...(missing ? { missing } : {}) };
  }
  // An end that lies at the axis's own end is the value there, not a rounded neighbor that would leave it out.
  const bottom = low <= axis.floor ? axis.low : Math.max(axis.low, neat(axis, valueAt(axis, low)));
  const top = high >= 1 ? axis.high : Math.min(axis.high, neat(axis, valueAt(axis, high)));
  return { low: bottom, high: top, ...(missing ? { missing } : {}) };
}

/** The stretches of an axis that a brush covers, from the foot up. @param {Axis} axis @param {Brush} brush @returns {[number, number][]} */
export function stretches(axis, brush) {
  const found = /** @type {[number, number][]} */ ([]);
  const absent = 'levels' in brush ? brush.levels.some((level) => level === null) : brush.missing;
  if (absent && axis.missing) found.push([0, FOOT * 0.6]);
  if ('levels' in brush) {
    const wanted = new Set(brush.levels.map(key));
    axis.values.forEach((value, j) => {
      if (value === null || !wanted.has(key(value))) return;
      const [low, high] = axis.steps ? [axis.floor + j * slot(axis), axis.floor + (j + 1) * slot(axis)] : [at(axis, value) - 0.01, at(axis, value) + 0.01];
      const before = found[found.length - 1];
      if (before && before[1] >= low - 1e-6) before[1] = high;
      else found.push([low, high]);
    });
    return found;
  }
  const [low, high] = [brush.low ?? -Infinity, brush.high ?? Infinity];
  if (axis.steps) {
    const first = axis.values.findIndex((value) => value >= low);
    const last = axis.values.findLastIndex((value) => value <= high);
    if (first >= 0 && last >= first) found.push([axis.floor + first * slot(axis), axis.floor + (last + 1) * slot(axis)]);
    return found;
  }
  const from = low <= axis.low ? axis.floor : at(axis, low);
  const to = high >= axis.high ? 1 : at(axis, high);
  if (to >= from && high >= axis.low && low <= axis.high) found.push([from, to]);
  return found;
}

/**
 * A brush moved along its axis: by a slot, or a fiftieth of a line; `end` pushes it to an end. Without a brush, one at the top.
 * @param {Axis} axis @param {Brush|null} brush @param {number} by -1 or 1 @param {{end?: boolean, grow?: boolean}} [how] @returns {Brush|null}
 */
export function moved(axis, brush, by, { end = false, grow = false } = {}) {
  const unit = axis.steps ? slot(axis) : 0.02;
  const found = brush ? stretches(axis, brush) : [];
  const inner = axis.steps ? unit * 0.01 : 0;
  if (!found.length) return by > 0 ? brushOf(axis, 1 - Math.max(unit, 0.1) + inner, 1) : brushOf(axis, axis.floor + inner, axis.floor + Math.max(unit, 0.1) - inner);
  const [from, to] = [found[0][0], found[found.length - 1][1]];
  if (grow) return brushOf(axis, from + inner, Math.min(1, Math.max(from + unit, to + by * unit)) - inner);
  const room = by > 0 ? 1 - to : from - (axis.missing ? 0 : axis.floor);
  const shift = by * (end ? room : Math.min(unit, room));
  return brushOf(axis, from + shift + inner, to + shift - inner);
}

/** The ticks of an axis: every slot, or round numbers. @param {Axis} axis @param {number} [most] @returns {{place: number, text: string}[]} */
export function ticks(axis, most = 12) {
  const found = axis.missing ? [{ place: FOOT * 0.3, text: axis.absent }] : [];
  if (axis.steps) {
    const every = Math.max(1, Math.ceil(axis.values.length / most));
    axis.values.forEach((value, j) => j % every === 0 && found.push({ place: middle(axis, j), text: axis.text(value) }));
    return found;
  }
  const quarters = () => [0, 0.25, 0.5, 0.75, 1].map((share) => axis.values[Math.round(share * (axis.values.length - 1))]);
  const values = axis.scale === 'rank' ? quarters() : axis.scale === 'log' ? decades(axis.low, axis.high) : round(axis.low, axis.high, 5);
  for (const value of values) found.push({ place: at(axis, value), text: axis.text(value) });
  return found;
}

/** Round numbers between two, about `most` of them. @param {number} low @param {number} high @param {number} most */
export function round(low, high, most) {
  if (!(high > low)) return [low];
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((unit) => unit * power >= rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, j) => Number(((first + j) * step).toPrecision(12)));
}

/** Powers of ten between two numbers, with 2 and 5 where there are few. @param {number} low @param {number} high */
export function decades(low, high) {
  const units = high / low < 30 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const unit of units) {
      const value = Number((unit * 10 ** power).toPrecision(12));
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  const every = Math.ceil(found.length / 6);
  return found.length ? found.filter((_, j) => j % every === 0) : [low, high];
}
