// @ts-check
// Parallel coordinates: every trial is a line through its settings and its result. Any axis can be brushed, moved and scaled.
//
// Ribbons are drawn by `strands.js`; this is the figure around them, and its part in the page's selection.
import { h, clear } from '../dom.js';
import { count, number, plain } from '../format.js';
import { plainTable } from '../page.js';
import { cividis, onTheme, pinStyle, theme, token } from '../palette.js';
import { asTable } from './astable.js';
import { axisOf, scales, skewed } from './axes.js';
import { axisView } from './axisview.js';
import { chipText } from './brushes.js';
import { DASHES, SINGLE, createStrands } from './strands.js';

/** Pixels: height of the axes, least distance between two, room beside the outer ones. */
const [HEIGHT, GAP, SIDE] = [300, 84, 58];

/**
 * @typedef {{order: string[], scales: Map<string, string>}} View what a reader changed
 * @typedef {import('./axes.js').Axis} Axis
 */

/** Each row's rank by a column in [0, 1], 1 the best; what is missing is worst. @param {{at: (i: number) => any}} column @param {number} rows @param {boolean} maximize */
export function ranks(column, rows, maximize) {
  const value = Array.from({ length: rows }, (_, i) => column.at(i));
  const there = value.map((_, i) => i).filter((i) => value[i] !== null);
  there.sort((a, b) => (maximize ? value[a] - value[b] : value[b] - value[a]));
  const rank = new Float32Array(rows);
  for (let from = 0; from < there.length; ) {
    let to = from;
    while (to + 1 < there.length && value[there[to + 1]] === value[there[from]]) to++;
    for (let k = from; k <= to; k++) rank[there[k]] = there.length < 2 ? 1 : (from + to) / 2 / (there.length - 1);
    from = to + 1;
  }
  return rank;
}

/** Colors by tone, worst to best. The best has the most contrast: yellow on dark, dark blue on light. */
export function tones() {
  const dark = theme() === 'dark';
  return Array.from({ length: 256 }, (_, j) => cividis(dark ? 0.12 + (0.88 * j) / 255 : 0.94 * (1 - j / 255)));
}

/**
 * @param {object} options
 * @param {any} options.columns the trials
 * @param {string[]} options.names of the axes, the metric last
 * @param {string} options.metric
 * @param {boolean} options.maximize
 * @param {any} options.selection
 * @param {(name: string) => string} options.titled what a column is called
 * @param {(name: string) => string} options.absent what a missing value of an axis is called
 * @param {(x: number|null) => string} options.said a value of the metric
 * @param {(i: number) => string} options.label of a trial
 * @param {View} options.view
 * @param {(view: View) => void} options.onView
 */
export function parallel({ columns, names, metric, maximize, selection, titled, absent, said, label, view, onView }) {
  const rows = columns.rows;
  const rank = ranks(columns.column(metric), rows, maximize);
  const status = columns.column('status');
  const isSkewed = skewed(columns.column(metric), rows, maximize);
  const is = (/** @type {number} */ i, /** @type {string[]} */ ...states) => states.includes(status?.at(i));
  const dashed = Uint8Array.from({ length: rows }, (_, i) => (is(i, 'pruned') ? 1 : 0));
  const failed = Array.from({ length: rows }, (_, i) => i).filter((i) => is(i, 'failed', 'diverged'));
  const [below, above] = [h('canvas', { class: 'pc-canvas' }), h('canvas', { class: 'pc-canvas' })];
  const strands = createStrands(/** @type {HTMLCanvasElement} */ (below), /** @type {HTMLCanvasElement} */ (above));
  const rails = h('div', { class: 'pc-rails' });
  const tip = h('div', { class: 'pc-tip', hidden: true });
  const plot = h('div', { class: 'pc-plot', on: { pointermove: hover, pointerleave: () => selection.setHovered(null), click: pin } }, below, above, rails, tip);
  const caption = h('figcaption', { 'aria-live': 'polite' });
  const scale = h('span', { class: 'pc-scalebar' });
  const details = asTable(tabulated);
  const element = h('figure', { class: 'chart pc' }, h('div', { class: 'pc-scroll', tabindex: '-1' }, plot), h('div', { class: 'pc-legend' }, `rank by ${titled(metric)}: worst`, scale, 'best', h('span', { class: 'muted' }, ' dashed: pruned · ×: failed or diverged')), caption, details);

  let axes = /** @type {Axis[]} */ ([]);
  let views = /** @type {Map<string, ReturnType<typeof axisView>>} */ (new Map());
  let gap = GAP;
  let dragging = false;
  let waiting = 0;
  let stale = true;
  let [ink, ground] = ['', ''];

  /** The axes' names, as the reader ordered them; new ones come before the metric. */
  const order = () => [...view.order.filter((name) => names.includes(name)), ...names.filter((name) => !view.order.includes(name))];

  /** Builds axes anew: their order, scale or width changed. */
  function lay() {
    const focus = /** @type {HTMLElement|null} */ (document.activeElement);
    const kept = /** @type {HTMLElement|null} */ (focus?.closest?.('.pc-axis'))?.dataset.axis;
    const part = focus?.classList[0];
    axes = order().map((name) => axisOf(columns.column(name), rows, { name, scale: view.scales.get(name) ?? (name === metric && isSkewed ? 'rank' : null), order: rank, absent: absent(name), text: name === metric ? said : undefined }));
    const room = Math.max(0, element.clientWidth - 2 * SIDE);
    gap = Math.max(GAP, Math.floor(room / Math.max(1, axes.length - 1)));
    plot.style.width = `${2 * SIDE + gap * (axes.length - 1)}px`;
    views = new Map(axes.map((axis, at) => [axis.name, axisView(axis, { x: SIDE + at * gap, height: HEIGHT, room: at + 1 < axes.length ? gap : SIDE, wide: Math.min(gap, 2 * SIDE) - 4, title: titled(axis.name) }, {
      brush: (brush, drags) => {
        dragging = drags;
        selection.setBrush(axis.name, brush);
        if (!drags) soon();
      },
      move: (by) => reorder(axis.name, at + by),
      drop: (dx) => reorder(axis.name, Math.round(at + dx / gap)),
      scale: () => {
        const known = scales(axis);
        view.scales.set(axis.name, known[(known.indexOf(axis.scale) + 1) % known.length]);
        onView(view);
        lay();
      },
    })]));
    clear(rails);
    rails.append(...[...views.values()].map(({ element: rail }) => rail));
    if (kept && part) /** @type {HTMLElement|null} */ (views.get(kept)?.element.querySelector(`.${part}`))?.focus({ preventScroll: true });
    color();
  }

  function color() {
    const colors = tones();
    [ink, ground] = [token('--ink'), token('--ground')];
    strands.lay({ axes, left: SIDE, gap, height: HEIGHT, tone: rank, dashed, colors, grey: token('--grey') });
    setTimeout(() => strands.prepare(), 300);
    scale.style.background = `linear-gradient(90deg, ${[0, 51, 102, 153, 204, 255].map((j) => colors[j]).join(', ')})`;
    soon();
  }

  /** @param {string} name @param {number} at */
  function reorder(name, at) {
    const next = order().filter((other) => other !== name);
    next.splice(Math.min(next.length, Math.max(0, at)), 0, name);
    view.order = next;
    onView(view);
    lay();
  }

  /** Draws in the next frame: everything, or only what lies over it. @param {string} [change] */
  function soon(change) {
    stale ||= change !== 'hover' && change !== 'pins';
    if (!waiting) waiting = requestAnimationFrame(draw);
  }

  function draw() {
    waiting = 0;
    if (!element.isConnected) return;
    drawOver();
    if (!stale) return;
    stale = false;
    strands.draw(selection.mask, selection.count, dragging);
    for (const axis of axes) {
      const brush = selection.brushes.get(axis.name) ?? null;
      const said = brush ? `${chipText(titled(axis.name), brush, axis.absent)}; ${count(selection.count)} of ${count(rows)} trials` : 'all';
      views.get(axis.name)?.show(brush, said);
    }
    if (!dragging) say();
  }

  function drawOver() {
    const found = selection.pins.map((/** @type {number} */ row) => ({ row, color: pinStyle(selection.slot(row)).color, wide: 2.5, dash: DASHES[selection.slot(row)] }));
    if (selection.hovered !== null) found.push({ row: selection.hovered, color: ink, wide: 2, dash: [] });
    const crosses = selection.count < SINGLE ? failed.filter((row) => selection.mask[row]) : [];
    strands.over(found, crosses, ground);
  }

  /** The trial at the pointer. @param {MouseEvent} event */
  const pointed = (event) => {
    const box = below.getBoundingClientRect();
    return strands.pick(event.clientX - box.left, event.clientY - box.top, selection.mask);
  };

  /** @param {PointerEvent} event */
  function hover(event) {
    if (event.buttons || event.pointerType === 'touch') return;
    const row = pointed(event);
    if (row !== (selection.hovered ?? -1)) selection.setHovered(row < 0 ? null : row);
    tip.hidden = row < 0;
    if (row < 0) return;
    const box = plot.getBoundingClientRect();
    tip.textContent = label(row);
    tip.style.transform = `translate(${Math.min(event.clientX - box.left + 14, box.width - 220)}px, ${event.clientY - box.top + 14}px)`;
  }

  /** @param {MouseEvent} event */
  function pin(event) {
    if (/** @type {HTMLElement} */ (event.target).closest('button, .pc-line')) return;
    const row = pointed(event);
    if (row >= 0) selection.togglePin(row);
  }

  /** Values of a column in the brushed trials, in words. @param {string} name */
  function within(name) {
    const column = columns.column(name);
    const values = [];
    for (let i = 0; i < rows; i++) if (selection.mask[i] && column.at(i) !== null) values.push(column.at(i));
    if (!values.length) return 'nothing';
    if (column.kind === 'number') {
      values.sort((a, b) => a - b);
      const text = name === metric ? said : number;
      return `${text(values[0])} to ${text(values[values.length - 1])}, median ${text(values[values.length >> 1])}`;
    }
    const counts = new Map();
    for (const value of values) counts.set(plain(value), (counts.get(plain(value)) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]).map(([value, n]) => `${value} ${count(n)}`).join(', ');
  }

  function say() {
    const brushed = selection.brushes.size > 0;
    caption.textContent = `${count(selection.count)} of ${count(rows)} trials ${brushed ? 'are brushed' : 'are shown'}: ${titled(metric)} ${within(metric)}.`;
    details.again();
  }

  function tabulated() {
    return plainTable(['axis', 'scale', 'brush', `the ${count(selection.count)} trials have`], axes.map((axis) => {
      const brush = selection.brushes.get(axis.name);
      return [titled(axis.name), axis.scale, brush ? chipText(titled(axis.name), brush, axis.absent) : 'all', within(axis.name)];
    }));
  }

  let width = 0;
  const resized = new ResizeObserver(() => {
    if (!element.isConnected || element.clientWidth === width) return;
    width = element.clientWidth;
    lay();
  });
  resized.observe(element);
  const stops = [selection.subscribe(soon), onTheme(color)];
  return { element, stop: () => (resized.disconnect(), stops.forEach((stop) => stop?.())) };
}
