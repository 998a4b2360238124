// @ts-check
// A new sweep from what is brushed: the parameters of a sweep file, narrowed. Pure.
import { blocks, yaml } from './yaml.js';
import { plural } from '../format.js';
import { key } from './axes.js';

/** @typedef {import('./axes.js').Brush} Brush */
/** @typedef {{low: number, high: number, levels: any[]}} Seen what the brushed trials have of a parameter */

/** A number of three digits at least, rounded outwards so that nothing that was brushed is lost. @param {number} x @param {number} way -1 or 1 */
function outward(x, way) {
  if (x === 0) return 0;
  const unit = 10 ** (Math.floor(Math.log10(Math.abs(x))) - 2);
  const steps = x / unit;
  const whole = Math.abs(steps - Math.round(steps)) < 1e-6 ? Math.round(steps) : way < 0 ? Math.floor(steps) : Math.ceil(steps);
  return Number((whole * unit).toPrecision(6));
}

/** True if a brush selects a value. @param {Brush} brush @param {any} value */
export function takes(brush, value) {
  const missing = value === null || value === undefined;
  if ('levels' in brush) return brush.levels.some((level) => key(level) === key(value));
  if (missing) return brush.missing === true;
  return typeof value === 'number' && value >= (brush.low ?? -Infinity) && value <= (brush.high ?? Infinity);
}

/** The bounds that a distribution draws between, or null where it has none. @param {Record<string, any>} part @returns {[number, number]|null} */
function bounds(part) {
  const kind = part.distribution ?? '';
  if (typeof part.min !== 'number' || typeof part.max !== 'number') return null;
  // W&B: the bounds of `log_uniform` are exponents of e, and those of `inv_log_uniform` exponents of its inverse.
  if (/^(q_)?log_uniform$/.test(kind)) return [Math.exp(part.min), Math.exp(part.max)];
  if (kind === 'inv_log_uniform') return [Math.exp(-part.max), Math.exp(-part.min)];
  return [part.min, part.max];
}

/**
 * A parameter's part of a sweep file with only what `keep` takes, within the bounds that it had. What is left of a list may be one
 * value. A part that cannot be narrowed stays.
 * @param {Record<string, any>} part @param {Brush} keep @returns {Record<string, any>}
 */
export function narrowed(part, keep) {
  if (Array.isArray(part.values)) {
    const kept = part.values.map((value, j) => ({ value, share: part.probabilities?.[j] })).filter(({ value }) => takes(keep, value));
    if (!kept.length || kept.length === part.values.length) return part;
    if (kept.length === 1) return { value: kept[0].value };
    const { values, probabilities, ...rest } = part;
    if (!Array.isArray(probabilities)) return { ...rest, values: kept.map(({ value }) => value) };
    const total = kept.reduce((sum, { share }) => sum + share, 0);
    return { ...rest, values: kept.map(({ value }) => value), probabilities: kept.map(({ share }) => Number((share / total).toFixed(6))) };
  }
  if ('value' in part) return part;
  const numbers = 'levels' in keep ? keep.levels.filter((level) => typeof level === 'number') : [];
  const range = 'levels' in keep ? { low: Math.min(...numbers), high: Math.max(...numbers) } : keep;
  const before = bounds(part);
  const low = Math.max(before?.[0] ?? -Infinity, range.low === null ? -Infinity : outward(range.low, -1));
  const high = Math.min(before?.[1] ?? Infinity, range.high === null ? Infinity : outward(range.high, 1));
  if (!Number.isFinite(low) || !Number.isFinite(high) || low > high) return part;
  const whole = part.distribution === 'int_uniform' || (part.distribution === undefined && Number.isInteger(part.min) && Number.isInteger(part.max));
  if (low === high) return { value: whole ? Math.round(low) : low };
  const kind = part.distribution ?? '';
  const { mu, sigma, min, max, ...rest } = part;
  if (whole) return Math.ceil(low) > Math.floor(high) ? part : { ...rest, min: Math.ceil(low), max: Math.floor(high) };
  if (/log/.test(kind)) {
    const values = /^inv/.test(kind) ? 'inv_log_uniform_values' : `${part.q === undefined ? '' : 'q_'}log_uniform_values`;
    return { ...rest, distribution: values, min: low, max: high };
  }
  if (/normal|beta/.test(kind)) return { ...(part.q === undefined ? {} : { q: part.q }), distribution: `${part.q === undefined ? '' : 'q_'}uniform`, min: low, max: high };
  return { ...rest, min: low, max: high };
}

/** Names with points as nested `parameters`, as they were written. @param {[string, any][]} entries @returns {Record<string, any>} */
function nested(entries) {
  const root = /** @type {Record<string, any>} */ ({});
  for (const [name, part] of entries) {
    const path = name.split('.');
    const last = /** @type {string} */ (path.pop());
    let at = root;
    for (const step of path) at = (at[step] ??= { parameters: {} }).parameters;
    at[last] = part;
  }
  return root;
}

/**
 * A sweep file of the brushed part of a sweep. Brushed parameters keep what is brushed; if anything else is brushed (the metric, the
 * time), the other parameters keep what the brushed trials have.
 * @param {{name: string, method: string, metric: string, goal: string, yaml?: string, parameters: Record<string, any>}} sweep
 * @param {Map<string, Brush>} brushes
 * @param {(name: string) => Seen|null} seen
 * @param {number} count trials that are brushed
 */
export function newSweep(sweep, brushes, seen, count) {
  const others = [...brushes.keys()].some((name) => !(name in sweep.parameters));
  const parameters = Object.entries(sweep.parameters).map(([name, part]) => {
    const brush = brushes.get(name);
    let kept = brush ? narrowed(part, brush) : part;
    const had = others && count > 1 ? seen(name) : null;
    if (had) kept = narrowed(kept, had.levels.length ? { levels: had.levels } : { low: had.low, high: had.high });
    return /** @type {[string, any]} */ ([name, kept]);
  });
  const head = yaml({ name: `${sweep.name}-narrowed`, method: sweep.method, metric: { name: sweep.metric, goal: sweep.goal } });
  const kept = blocks(sweep.yaml ?? '', ['run_cap', 'early_terminate']);
  return `# From ${plural(count, 'trial')} of ${sweep.name.replace(/\s+/g, ' ')}.\n${head}${kept}${yaml({ parameters: nested(parameters) })}`;
}
