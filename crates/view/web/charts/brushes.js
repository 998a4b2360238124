// @ts-check
// Brushes as texts: chips that people read, and the part of an address that restores them. Pure.
//
// In an address: `learning_rate:0.001..0.1,optimizer=adam|nadam,val_accuracy:0.8..!`. An open end is left empty, `!` takes what is
// missing too, and a level is a bare word or JSON.
import { number, plain } from '../format.js';

/** @typedef {import('./axes.js').Brush} Brush */

const BARE = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const WORDS = ['true', 'false', 'null'];

const escaped = (/** @type {string} */ text) => encodeURIComponent(text).replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** @param {any} level */
function levelText(level) {
  return escaped(typeof level === 'string' && BARE.test(level) && !WORDS.includes(level) ? level : JSON.stringify(level ?? null));
}

/** @param {string} text */
function levelOf(text) {
  const raw = decodeURIComponent(text);
  return BARE.test(raw) && !WORDS.includes(raw) ? raw : JSON.parse(raw);
}

/** Brushes as a part of an address; empty if there are none. @param {Iterable<[string, Brush]>} brushes */
export function toAddress(brushes) {
  return [...brushes]
    .map(([axis, brush]) => {
      if ('levels' in brush) return `${escaped(axis)}=${brush.levels.map(levelText).join('|')}`;
      return `${escaped(axis)}:${brush.low ?? ''}..${brush.high ?? ''}${brush.missing ? '!' : ''}`;
    })
    .join(',');
}

/** The brushes of an address; what cannot be read is left out. @param {string|null|undefined} text @returns {Map<string, Brush>} */
export function fromAddress(text) {
  const brushes = new Map();
  for (const part of (text ?? '').split(',')) {
    const [, axis, kind, value] = /^([^:=]+)([:=])(.*)$/.exec(part) ?? [];
    try {
      if (kind === '=') brushes.set(decodeURIComponent(axis), { levels: value.split('|').map(levelOf) });
      if (kind !== ':') continue;
      const ends = value.replace('!', '').split('..').map((end) => (end === '' ? null : Number(end)));
      if (ends.length !== 2 || ends.some(Number.isNaN)) continue;
      brushes.set(decodeURIComponent(axis), { low: ends[0], high: ends[1], ...(value.endsWith('!') ? { missing: true } : {}) });
    } catch {
      continue; // an address that somebody cut or edited
    }
  }
  return brushes;
}

/** A brush as a chip says it. @param {string} axis @param {Brush} brush @param {string} [absent] */
export function chipText(axis, brush, absent = 'none') {
  if ('levels' in brush) return `${axis}: ${brush.levels.map((level) => (level === null ? absent : plain(level))).join(', ')}`;
  const { low, high } = brush;
  let range = `${number(low)} … ${number(high)}`;
  if (low === null) range = `≤ ${number(high)}`;
  else if (high === null) range = `≥ ${number(low)}`;
  else if (low === high) range = number(low);
  return `${axis}: ${range}${brush.missing ? ` or ${absent}` : ''}`;
}

/**
 * The brush of the best share of what has a value.
 * @param {{at: (i: number) => number|null}} column @param {number} rows @param {number} share in (0, 1] @param {boolean} maximize
 * @returns {Brush|null}
 */
export function best(column, rows, share, maximize) {
  const values = [];
  for (let i = 0; i < rows; i++) {
    const value = column.at(i);
    if (value !== null) values.push(value);
  }
  if (!values.length) return null;
  values.sort((a, b) => (maximize ? b - a : a - b));
  const edge = values[Math.max(1, Math.round(values.length * share)) - 1];
  return maximize ? { low: edge, high: null } : { low: null, high: edge };
}
