// @ts-check
// One selection shared by every chart and the table of a page: hover (light), pin (color), brush (filter).

/** @typedef {{low: number | null, high: number | null, missing?: boolean} | {levels: any[]}} Brush An end that is null is open; `missing` lets rows without a value through; a level `null` does too. */
/** @typedef {'hover' | 'pins' | 'brush'} Change */

const MOST_PINS = 8;

/**
 * A selection over the rows of a table.
 * @param {import('./columns.js').Columns} columns
 */
export function createSelection(columns) {
  /** @type {Set<(change: Change) => void>} */
  const listeners = new Set();
  const mask = new Uint8Array(columns.rows).fill(1);
  /** @type {(number | null)[]} */
  const slots = Array(MOST_PINS).fill(null);
  /** @type {((i: number) => boolean) | null} */
  let filter = null;

  const tell = (/** @type {Change} */ change) => [...listeners].forEach((listener) => listener(change));
  const mark = () => {
    mask.fill(1);
    for (const [axis, brush] of self.brushes) keep(mask, columns.column(axis), brush);
    self.count = 0;
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] && filter && !filter(i)) mask[i] = 0;
      self.count += mask[i];
    }
    tell('brush');
  };

  const self = {
    /** The row under the pointer. @type {number | null} */
    hovered: null,
    /** The pinned rows, in the order of their colors. @type {number[]} */
    pins: [],
    /** @type {Map<string, Brush>} */
    brushes: new Map(),
    /** 1 where a row passes all brushes and the filter. */
    mask,
    /** Number of rows that pass. */
    count: columns.rows,

    /** @param {number | null} i */
    setHovered(i) {
      if (i === self.hovered) return;
      self.hovered = i;
      tell('hover');
    },
    /** Pins a row, or takes its pin away; a ninth pin is refused, and the answer is false. @param {number} i */
    togglePin(i) {
      const at = slots.indexOf(i);
      const free = slots.indexOf(null);
      if (at < 0 && free < 0) return false;
      slots[at < 0 ? free : at] = at < 0 ? i : null;
      self.pins = /** @type {number[]} */ (slots.filter((row) => row !== null));
      tell('pins');
      return true;
    },
    /** Color, one of 8, that a pinned row keeps while it is pinned; -1 if it is not. @param {number} i */
    slot: (i) => slots.indexOf(i),
    /** @param {string} axis @param {Brush | null} brush */
    setBrush(axis, brush) {
      if (brush) self.brushes.set(axis, brush);
      else self.brushes.delete(axis);
      mark();
    },
    /** Takes all brushes and puts these. @param {Record<string, Brush>} brushes */
    setBrushes(brushes) {
      self.brushes = new Map(Object.entries(brushes));
      mark();
    },
    clearBrushes() {
      self.setBrushes({});
    },
    /** Lets only rows through for which `passes` is true; `null` lets all through. @param {((i: number) => boolean) | null} passes */
    setFilter(passes) {
      filter = passes;
      mark();
    },
    /** Calls `listener` after each change. @param {(change: Change) => void} listener @returns {() => void} what ends it */
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return self;
}

/** Takes the rows out of the mask that a brush excludes. @param {Uint8Array} mask @param {import('./columns.js').Column | undefined} column @param {Brush} brush */
function keep(mask, column, brush) {
  if (!column) return;
  if ('levels' in brush) {
    const wanted = new Set(brush.levels.map((level) => JSON.stringify(level)));
    const missing = wanted.has('null');
    const codes = column.levels.map((level) => wanted.has(JSON.stringify(level)));
    const category = column.kind === 'category';
    for (let i = 0; i < mask.length; i++) {
      if (!mask[i]) continue;
      const passes = category
        ? column.code(i) < 0 ? missing : codes[column.code(i)]
        : wanted.has(JSON.stringify(column.at(i)));
      if (!passes) mask[i] = 0;
    }
    return;
  }
  const [low, high, missing] = [brush.low ?? -Infinity, brush.high ?? Infinity, brush.missing ?? false];
  for (let i = 0; i < mask.length; i++) {
    if (!mask[i]) continue;
    const value = column.at(i);
    if (value === null ? !missing : !(value >= low && value <= high)) mask[i] = 0;
  }
}
