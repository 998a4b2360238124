// @ts-check
// Numbers, percentages and durations as people read them. It is the twin of format.rs; the tests of both read
// tests/format.json.

const DASH = '–';

/** True if a value is a finite number. @param {any} x @returns {x is number} */
export function isNumber(x) {
  return typeof x === 'number' && Number.isFinite(x);
}

/** Format of fractions as percentages on an axis: with a digit more only where they lie close together. */
export const SHARES = ',.1~%';

/** A fraction as a percentage: 0.8891 is `88.9%`. @param {any} x @param {number} [digits] */
export function percent(x, digits = 1) {
  return isNumber(x) ? `${(x * 100).toFixed(digits)}%` : DASH;
}

/** A difference of two fractions in points, always with its sign: 0.012 is `+1.2`. @param {any} x @param {number} [digits] */
export function points(x, digits = 1) {
  if (!isNumber(x)) return DASH;
  const text = Math.abs(x * 100).toFixed(digits);
  return Number(text) === 0 ? text : `${x < 0 ? '−' : '+'}${text}`;
}

/** A number with at most four significant digits: 0.31106 is `0.3111`, 12345.6 is `12,346`, 0.00001 is `1e-5`. @param {any} x */
export function number(x) {
  if (!isNumber(x)) return DASH;
  if (x === 0) return '0';
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-3) return exponential(x, 3);
  return size >= 1e4 ? count(x) : significant(x, 4);
}

/** A learning rate with three significant digits: `0.000812`, `1.5e-7`. @param {any} x */
export function rate(x) {
  if (!isNumber(x)) return DASH;
  if (x === 0) return '0';
  return Math.abs(x) >= 1e-4 && Math.abs(x) < 1e6 ? significant(x, 3) : exponential(x, 3);
}

/** A whole number with separators: `1,290`. @param {any} n */
export function count(n) {
  if (!isNumber(n)) return DASH;
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 run`, `12 runs`. @param {number} n @param {string} one @param {string} [many] */
export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A duration in its largest units: `0.84 s`, `14 s`, `3 min 5 s`, `2 h 10 min`. @param {any} given */
export function duration(given) {
  if (!isNumber(given)) return DASH;
  const seconds = Math.max(given, 0);
  if (seconds < 9.95) return `${tidy(seconds.toFixed(seconds >= 1 ? 1 : seconds >= 0.1 ? 2 : 3))} s`;
  const whole = Math.floor(seconds + 0.5);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ''}`;
  const minutes = Math.floor(seconds / 60 + 0.5);
  return `${count(Math.floor(minutes / 60))} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`;
}

/** A number of bytes: `4.0 kB`, `26.4 MB`, `3.2 GB`. @param {number} n */
export function bytes(n) {
  /** @type {[number, string][]} */
  const units = [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']];
  const found = units.find(([size]) => n >= size);
  return found ? `${(n / found[0]).toFixed(1)} ${found[1]}` : `${n} B`;
}

/** A moment, in the reader's time zone: `2026-11-26 14:05`. @param {any} ms */
export function when(ms) {
  if (!isNumber(ms)) return DASH;
  const at = new Date(ms);
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Time since a moment: `just now`, `5 min ago`, `3 h ago`, `12 d ago`. @param {any} ms @param {number} now_ms */
export function ago(ms, now_ms) {
  if (!isNumber(ms)) return DASH;
  const seconds = Math.floor((now_ms - ms) / 1000);
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${count(Math.floor(seconds / 86400))} d ago`;
}

/** The value of a setting: `0.001`, `256 128 64`, `adam`, `yes`. @param {any} value @returns {string} */
export function plain(value) {
  if (value === null || value === undefined) return DASH;
  if (typeof value === 'number') return setting(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length ? value.map(plain).join(' ') : 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/**
 * A value as a cell of a spreadsheet: a text that would be a formula there gets `'` before it, as in the program's own export.
 * @param {any} value @returns {string}
 */
export function cell(value) {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  /** @type {(any: any) => string} */
  const text = (any) => (any === null || any === undefined ? '' : Array.isArray(any) ? any.map(text).join(' ') : typeof any === 'object' ? JSON.stringify(any) : String(any));
  const written = text(value);
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(written);
  return !isNumber && /^[=+\-@\t\r\n]/.test(written) ? `'${written}` : written;
}

/** A line of CSV. @param {any[]} values */
export function csvLine(values) {
  return values.map(cell).map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',');
}

/** A text that is cut where it gets too long. @param {string} text @param {number} most */
export function brief(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** The name of a column or setting as words: `val_accuracy` is `val accuracy`. @param {string} name */
export function words(name) {
  return name.replace(/_ms$/, '').replaceAll('_', ' ');
}

/** A setting: as it was typed if it has few digits, else with three significant ones. @param {number} x */
function setting(x) {
  if (!isNumber(x)) return DASH;
  const digits = x.toExponential().split('e')[0].replace(/\D/g, '').length;
  if (digits > 5 && !Number.isInteger(x)) return rate(x);
  if (x === 0 || (Math.abs(x) >= 1e-4 && Math.abs(x) < 1e9)) return String(x);
  return exponential(x, 5);
}

/** A number with so many significant digits, without an exponent. @param {number} x @param {number} digits */
function significant(x, digits) {
  const decimals = digits - 1 - Number(x.toExponential().split('e')[1]);
  if (decimals >= 0) return tidy(x.toFixed(decimals));
  return `${(x / 10 ** -decimals).toFixed(0)}${'0'.repeat(-decimals)}`;
}

/** A number with so many significant digits and an exponent: `1.5e-7`. @param {number} x @param {number} digits */
function exponential(x, digits) {
  const [mantissa, power] = x.toExponential(digits - 1).split('e');
  return `${tidy(mantissa)}e${power.replace('+', '')}`;
}

/** A decimal number without zeros at its end. @param {string} text */
function tidy(text) {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
