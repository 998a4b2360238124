// @ts-check
// One axis of parallel coordinates as people handle it: a name that moves it, its scale, its ticks, and a line to brush.
import { h, clear } from '../dom.js';
import { brushOf, moved, scales, stretches, ticks } from './axes.js';
import { breakable } from './examples.js';

/**
 * @typedef {import('./axes.js').Axis} Axis
 * @typedef {import('./axes.js').Brush} Brush
 * @typedef {{brush: (brush: Brush|null, dragging: boolean) => void, move: (by: number) => void, drop: (dx: number) => void, scale: () => void}} Handlers
 */

/** Pixels within which a press is a click, and at which an end of a brush is taken hold of. */
const [CLICK, GRIP] = [4, 7];
/** Distance that a name is dragged before its axis follows. */
const PULL = 8;

/**
 * An axis of `height` pixels at `x`, called `title`. `show` gives its brush and what is said of it.
 * @param {Axis} axis @param {{x: number, height: number, room: number, wide: number, title: string}} size `room` beside it, and how wide its name may be @param {Handlers} on
 */
export function axisView(axis, { x, height, room, wide, title }, on) {
  let brush = /** @type {Brush|null} */ (null);
  const marks = h('div', { class: 'pc-marks', 'aria-hidden': 'true' });
  const line = h('div', {
    class: 'pc-line',
    role: 'slider',
    tabindex: '0',
    'aria-orientation': 'vertical',
    'aria-valuemin': '0',
    'aria-valuemax': '100',
    'aria-label': `Brush of ${title}`,
    style: { height: `${height}px` },
    on: { pointerdown: press, keydown: key },
  }, marks, ticks(axis).map(({ place, text }) => h('span', { class: 'pc-tick', title: text, style: { bottom: `${100 * place}%`, 'max-width': `${room - 14}px` } }, text)));
  const name = h('button', {
    type: 'button',
    class: 'pc-name',
    title: 'Drag, or press ← and →, to move this axis',
    style: { width: `${wide}px` },
    on: { pointerdown: pull, keydown: walk },
  }, breakable(title));
  const scale = scales(axis).length < 2 ? null : h('button', {
    type: 'button',
    class: 'pc-scale',
    'aria-label': `Scale of ${title}: ${axis.scale}`,
    title: 'Linear, logarithm, or rank (l)',
    on: { click: () => on.scale() },
  }, axis.scale);
  const element = h('div', { class: 'pc-axis', style: { left: `${x}px` }, dataset: { axis: axis.name } }, h('div', { class: 'pc-head' }, name, scale), line);

  /** @param {PointerEvent} event */
  const placeOf = (event) => {
    const box = line.getBoundingClientRect();
    return Math.min(1, Math.max(0, (box.bottom - event.clientY) / box.height));
  };

  /** Begins a new brush, or takes hold of the one there. @param {PointerEvent} event */
  function press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    line.focus({ preventScroll: true });
    line.setPointerCapture(event.pointerId);
    const start = placeOf(event);
    const startY = event.clientY;
    const grip = GRIP / height;
    const found = brush ? stretches(axis, brush) : [];
    const held = found.find(([from, to]) => start >= from - grip && start <= to + grip);
    const whole = held ? [found[0][0], found[found.length - 1][1]] : [start, start];
    // Of a brush, either end or all of it moves; the ends of a short one are out of reach, or it could not be moved.
    const tall = whole[1] - whole[0] > 4 * grip;
    const ends = held && tall ? [Math.abs(start - whole[0]) < grip, Math.abs(start - whole[1]) < grip] : [false, false];
    let dragged = false;
    const drag = (/** @type {PointerEvent} */ move) => {
      if (!dragged && Math.abs(move.clientY - startY) < CLICK) return;
      dragged = true;
      const now = placeOf(move);
      if (ends[0]) on.brush(brushOf(axis, now, whole[1] - 1e-6), true);
      else if (ends[1]) on.brush(brushOf(axis, whole[0] + 1e-6, now), true);
      else if (held) {
        const shift = Math.min(1 - whole[1], Math.max(-whole[0], now - start));
        on.brush(brushOf(axis, whole[0] + shift + 1e-6, whole[1] + shift - 1e-6), true);
      } else on.brush(brushOf(axis, start, now), true);
    };
    const release = () => {
      line.removeEventListener('pointermove', drag);
      line.removeEventListener('pointerup', release);
      line.removeEventListener('pointercancel', release);
      if (dragged) on.brush(brush, false);
      else if (brush) on.brush(null, false);
      else if (axis.steps || start < axis.floor) on.brush(brushOf(axis, start, start), false);
    };
    line.addEventListener('pointermove', drag);
    line.addEventListener('pointerup', release);
    line.addEventListener('pointercancel', release);
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const ways = /** @type {Record<string, () => void>} */ ({
      ArrowUp: () => on.brush(moved(axis, brush, 1, { grow: event.shiftKey }), false),
      ArrowDown: () => on.brush(moved(axis, brush, -1, { grow: event.shiftKey }), false),
      Home: () => on.brush(moved(axis, brush, -1, { end: true }), false),
      End: () => on.brush(moved(axis, brush, 1, { end: true }), false),
      Delete: () => on.brush(null, false),
      Backspace: () => on.brush(null, false),
      l: () => on.scale(),
    });
    if (!(event.key in ways)) return;
    event.preventDefault();
    event.stopPropagation();
    ways[event.key]();
  }

  /** @param {PointerEvent} event */
  function pull(event) {
    if (event.button !== 0) return;
    name.setPointerCapture(event.pointerId);
    const startX = event.clientX;
    let dx = 0;
    const drag = (/** @type {PointerEvent} */ move) => {
      dx = move.clientX - startX;
      if (Math.abs(dx) < PULL) return;
      element.classList.add('pc-pulled');
      element.style.transform = `translateX(${dx}px)`;
    };
    const release = () => {
      name.removeEventListener('pointermove', drag);
      name.removeEventListener('pointerup', release);
      name.removeEventListener('pointercancel', release);
      element.classList.remove('pc-pulled');
      element.style.transform = '';
      if (Math.abs(dx) >= PULL) on.drop(dx);
    };
    name.addEventListener('pointermove', drag);
    name.addEventListener('pointerup', release);
    name.addEventListener('pointercancel', release);
  }

  /** @param {KeyboardEvent} event */
  function walk(event) {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    event.preventDefault();
    on.move(event.key === 'ArrowLeft' ? -1 : 1);
  }

  return {
    element,
    name,
    line,
    /** @param {Brush|null} next @param {string} said */
    show(next, said) {
      brush = next;
      const found = brush ? stretches(axis, brush) : [];
      clear(marks);
      for (const [from, to] of found) marks.append(h('i', { class: 'pc-brush', style: { bottom: `${100 * from}%`, height: `${100 * (to - from)}%` } }));
      element.classList.toggle('pc-brushed', brush !== null);
      const middle = found.length ? (found[0][0] + found[found.length - 1][1]) / 2 : 0.5;
      line.setAttribute('aria-valuenow', String(Math.round(100 * middle)));
      line.setAttribute('aria-valuetext', said);
    },
  };
}
