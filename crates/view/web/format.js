// @ts-check
// Values as people read them. What is missing is a dash.

const DASH = '–';

/** Whether a value is a finite number. @param {any} x @returns {x is number} */
export function isNumber(x) {
  return typeof x === 'number' && Number.isFinite(x);
}

/** How an axis writes fractions as percentages: with a digit more only where they lie close together. */
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

/** A number in at most four significant digits: 0.31106 is `0.3111`, 0.00001 is `1e-5`. @param {any} x */
export function number(x) {
  if (!isNumber(x)) return DASH;
  if (x === 0) return '0';
  const size = Math.abs(x);
  if (size >= 1e6 || size < 1e-3) return tidy(x.toExponential(2)).replace('e+', 'e');
  if (Number.isInteger(x)) return size < 1e4 ? String(x) : count(x);
  return tidy(x.toPrecision(4));
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

/** A duration: `0.84 s`, `14 s`, `3 min 5 s`, `2 h 10 min`. @param {any} seconds */
export function duration(seconds) {
  if (!isNumber(seconds)) return DASH;
  if (seconds < 10) return `${tidy(seconds.toPrecision(2))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ''}`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`;
}

/** A moment, in the reader's time zone: `2026-11-26 14:05`. @param {any} ms */
export function when(ms) {
  if (!isNumber(ms)) return DASH;
  const at = new Date(ms);
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** How long ago a moment was: `just now`, `5 min ago`, else the date. @param {any} ms @param {number} now_ms */
export function ago(ms, now_ms) {
  if (!isNumber(ms)) return DASH;
  const minutes = Math.floor((now_ms - ms) / 60000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 60 * 24) return `${Math.floor(minutes / 60)} h ago`;
  return when(ms);
}

/** A setting as text: `1e-3`, `256 128 64`, `adam`, `yes`. @param {any} value @returns {string} */
export function plain(value) {
  if (value === null || value === undefined) return DASH;
  if (typeof value === 'number') return setting(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length ? value.map(plain).join(' ') : 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A text that is cut where it gets too long. @param {string} text @param {number} most */
export function brief(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** The name of a column or setting as words: `val_accuracy` is `val accuracy`. @param {string} name */
export function words(name) {
  return name.replace(/_ms$/, '').replaceAll('_', ' ');
}

/** @param {number} x */
function setting(x) {
  if (!Number.isFinite(x)) return DASH;
  if (Number.isInteger(x) && Math.abs(x) < 1e6) return String(x);
  if (Math.abs(x) < 1e-2) return tidy(x.toExponential(2)).replace('e+', 'e');
  return tidy(x.toPrecision(4));
}

/** Without zeros that say nothing. @param {string} text */
function tidy(text) {
  const [digits, power] = text.split('e');
  const short = digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
  return power === undefined ? short : `${short}e${power}`;
}
