// @ts-check
// Writes YAML that every reader takes the same way, old ones included. Pure.

/** Plain texts that some reader would take for something else, whatever their case. */
const TAKEN = /^(null|~|true|false|yes|no|on|off|y|n|\.nan|[-+]?\.inf|<<|=)$/i;
/** Looks like a number, a date or a time to some reader. */
const NUMERIC = /^[-+.]?[0-9][0-9_.,:eExXoO+-]*[0-9a-fA-F]*$/;
const PLAIN = /^[A-Za-z0-9_./($^][A-Za-z0-9_./()@$^+ -]*$/;

/** A text, quoted only where it must be. @param {string} text */
export function yamlText(text) {
  const plain = PLAIN.test(text) && !TAKEN.test(text) && !NUMERIC.test(text) && !text.endsWith(' ');
  return plain ? text : JSON.stringify(text);
}

/** A number. YAML 1.1 reads `1e-05` as a text: an exponent comes with a point. @param {number} x */
export function yamlNumber(x) {
  if (!Number.isFinite(x)) return 'null';
  const text = String(x);
  const [digits, exponent] = text.split('e');
  if (exponent === undefined) return text;
  return `${digits.includes('.') ? digits : `${digits}.0`}e${exponent}`;
}

/** @param {any} value */
function scalar(value) {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number') return yamlNumber(value);
  return typeof value === 'string' ? yamlText(value) : String(value);
}

const isMap = (/** @type {any} */ value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** A list on one line, as `[256, 128]`; maps in it as `{a: 1}`. @param {any} value @returns {string} */
function flow(value) {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (isMap(value)) return `{${Object.entries(value).map(([name, part]) => `${yamlText(name)}: ${flow(part)}`).join(', ')}}`;
  return scalar(value);
}

/** A map as lines of YAML, its maps indented, its lists on one line. @param {Record<string, any>} map @param {number} [depth] @returns {string} */
export function yaml(map, depth = 0) {
  const indent = '  '.repeat(depth);
  let text = '';
  for (const [name, value] of Object.entries(map)) {
    if (value === undefined) continue;
    if (isMap(value) && Object.keys(value).length) text += `${indent}${yamlText(name)}:\n${yaml(value, depth + 1)}`;
    else text += `${indent}${yamlText(name)}: ${flow(value)}\n`;
  }
  return text;
}

/**
 * The top-level blocks of a sweep file's text, each with the comment above it: what a new file takes over word for word.
 * @param {string} text @param {string[]} names
 */
export function blocks(text, names) {
  let found = '';
  let taking = false;
  let comment = '';
  for (const line of text.split(/\r?\n/)) {
    const key = /^([A-Za-z_]\w*)\s*:/.exec(line)?.[1];
    if (key !== undefined) {
      taking = names.includes(key);
      if (taking) found += comment;
      comment = '';
    }
    if (key === undefined && /^#/.test(line)) comment += `${line}\n`;
    else if (line.trim() === '') comment = '';
    else if (taking) found += `${line}\n`;
  }
  return found;
}
