// @ts-check
// "New sweep from selection": the sweep file of what is brushed, to copy or to save.
import { h } from '../dom.js';
import { copy } from '../page.js';
import { key } from './axes.js';
import { newSweep } from './narrow.js';

/**
 * @param {object} options
 * @param {any} options.sweep the API's answer
 * @param {any} options.columns its trials
 * @param {any} options.selection
 */
export function newSweepFile({ sweep, columns, selection }) {
  const text = h('pre', { class: 'yaml', tabindex: '0', 'aria-label': 'The new sweep file' });
  const note = h('p', { class: 'small muted' });
  const copyButton = h('button', { type: 'button', on: { click: () => copy(text.textContent, copyButton) } }, 'Copy');
  const name = `${sweep.name.replace(/[^A-Za-z0-9_-]+/g, '-')}-narrowed.yaml`;
  const save = h('a', { class: 'button', download: name }, `Save ${name}`);
  const element = h('details', { class: 'newsweep', on: { toggle: write } }, h('summary', {}, 'New sweep from selection'), note,
    h('div', { class: 'row' }, copyButton, save, h('code', {}, `handloom sweep ${name}`)), text);

  /** Values of a parameter in the brushed trials; null without any. @param {string} parameter */
  function seen(parameter) {
    // A parameter with the name of a fixed column, such as `epochs`, has `config.` before it.
    const column = columns.column(`config.${parameter}`) ?? columns.column(parameter);
    if (!column) return null;
    const levels = new Map();
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < columns.rows; i++) {
      const value = selection.mask[i] ? column.at(i) : null;
      if (value === null) continue;
      if (column.kind === 'number') [low, high] = [Math.min(low, value), Math.max(high, value)];
      else levels.set(key(value), value);
    }
    if (column.kind === 'number') return low <= high ? { low, high, levels: [] } : null;
    return levels.size ? { low: 0, high: 0, levels: [...levels.values()] } : null;
  }

  /** The parameter that a column shows, or a name that no parameter has. @param {string} axis */
  function parameterOf(axis) {
    if (axis.startsWith('config.')) return axis.slice('config.'.length);
    return columns.column(`config.${axis}`) ? `column ${axis}` : axis;
  }

  function write() {
    if (!element.open) return;
    const brushes = new Map([...selection.brushes].map(([axis, brush]) => [parameterOf(axis), brush]));
    text.textContent = newSweep(sweep, brushes, seen, selection.count);
    const others = [...brushes.keys()].some((axis) => !(axis in sweep.parameters));
    note.textContent = selection.brushes.size === 0
      ? 'Nothing is brushed: this is the same search again. Brush an axis to narrow it.'
      : others
        ? 'Every parameter keeps what the brushed trials have of it, within the bounds that it had.'
        : 'Brushed parameters keep what is brushed; all others stay as they were.';
    URL.revokeObjectURL(save.href);
    save.href = URL.createObjectURL(new Blob([text.textContent], { type: 'text/yaml' }));
  }
  let waiting = 0;
  const stop = selection.subscribe((/** @type {string} */ change) => {
    if (change !== 'brush') return;
    clearTimeout(waiting);
    waiting = window.setTimeout(write, 150);
  });
  return { element, stop: () => (stop(), URL.revokeObjectURL(save.href)) };
}
