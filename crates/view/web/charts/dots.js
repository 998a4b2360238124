// @ts-check
// A scatter of trials on a canvas, small or large: what is brushed is filled, the rest faint; pruned ones hollow, failed ones crosses.
import { h, clear } from '../dom.js';
import { pinStyle } from '../palette.js';
import { ticks } from './axes.js';
import { createSheet, pixelOf } from './strands.js';

/** Pixels around the dots: left for the metric's ticks, below for the other axis's. */
const [LEFT, FOOT, TOP, RIGHT] = [50, 34, 8, 14];
/** More rows than this are drawn as a cloud: the more of them on a pixel, the denser. */
const MANY = 1500;

/**
 * @typedef {import('./axes.js').Axis} Axis
 * @typedef {{x: Axis, y: Axis, mask: Uint8Array, hollow: (i: number) => boolean, crossed: (i: number) => boolean, pins: number[],
 *   slot: (i: number) => number, hovered: number|null, steps?: {row: number, place: number}[], bars?: {place: number, wide: number, level: number}[]}} Dots
 *   `steps` is the line of the best so far, `bars` are medians of slots; places in [0, 1]
 */

/** @param {{height: number, onHover: (row: number|null, event: PointerEvent) => void, onClick: (row: number) => void}} options */
export function dots({ height, onHover, onClick }) {
  const canvas = /** @type {HTMLCanvasElement} */ (h('canvas', { class: 'dots-canvas', style: { height: `${height}px` }, 'aria-hidden': 'true' }));
  const labels = h('div', { class: 'dots-labels', 'aria-hidden': 'true' });
  const element = h('div', { class: 'dots', on: {
    pointermove: (/** @type {PointerEvent} */ event) => event.pointerType === 'touch' || onHover(nearest(event), event),
    pointerleave: (/** @type {PointerEvent} */ event) => onHover(null, event),
    click: (/** @type {PointerEvent} */ event) => {
      const row = nearest(event);
      if (row !== null) onClick(row);
    },
  } }, canvas, labels);
  const sheet = createSheet();
  // Everything but the rings, so that the pointer redraws only these.
  const still = document.createElement('canvas');
  let shown = /** @type {Dots|null} */ (null);
  let width = 0;

  const inner = () => ({ wide: Math.max(1, width - LEFT - RIGHT), tall: height - TOP - FOOT });
  const xOf = (/** @type {number} */ place) => LEFT + place * inner().wide;
  const yOf = (/** @type {number} */ place) => TOP + (1 - place) * inner().tall;

  /** @param {PointerEvent} event */
  function nearest(event) {
    if (!shown) return null;
    const box = canvas.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    let [least, found] = [12 ** 2, /** @type {number|null} */ (null)];
    for (let i = 0; i < shown.mask.length; i++) {
      if (!shown.mask[i]) continue;
      const distance = (xOf(shown.x.place[i]) - px) ** 2 + (yOf(shown.y.place[i]) - py) ** 2;
      if (distance < least) [least, found] = [distance, i];
    }
    return found;
  }

  /** Ticks as text beside the canvas, so that they follow the theme and the reader's font. */
  function label() {
    if (!shown) return;
    clear(labels);
    for (const { place, text } of ticks(shown.y, 6)) labels.append(h('span', { class: 'dots-y', style: { top: `${yOf(place)}px`, width: `${LEFT - 14}px` } }, text));
    // Names that have no room beside each other stand on two lines, in turn.
    const marks = ticks(shown.x, Math.max(2, Math.floor(inner().wide / 23)));
    const room = inner().wide / Math.max(1, marks.length);
    const crowded = marks.some(({ text }) => text.length * 6.5 > room);
    marks.forEach(({ place, text }, j) => labels.append(h('span', { class: 'dots-x', style: { left: `${xOf(place)}px`, top: `${height - FOOT + 5 + (crowded && j % 2 ? 14 : 0)}px`, 'max-width': `${(crowded ? 2 : 1) * room - 2}px` } }, text)));
  }

  function draw() {
    if (!shown || !element.isConnected || !width) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(element);
    const color = (/** @type {string} */ name, /** @type {string} */ other) => style.getPropertyValue(name).trim() || other;
    const [muted, lines, accent] = [color('--muted', '#777'), color('--line', '#ddd'), color('--accent', '#0072b2')];
    pen.strokeStyle = lines;
    pen.lineWidth = 1;
    for (const { place } of ticks(shown.y, 6)) {
      pen.beginPath();
      pen.moveTo(LEFT - 8, Math.round(yOf(place)) + 0.5);
      pen.lineTo(width - RIGHT + 8, Math.round(yOf(place)) + 0.5);
      pen.stroke();
    }
    const many = shown.mask.length > MANY;
    for (const inside of [0, 1]) {
      pen.globalAlpha = inside ? 0.8 : 0.22;
      pen.fillStyle = pen.strokeStyle = inside ? accent : muted;
      if (many) cloud(pen, inside, inside ? accent : muted);
      else for (let i = 0; i < shown.mask.length; i++) if (shown.mask[i] === inside) mark(pen, i);
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = style.color;
    pen.lineWidth = 2;
    for (const { place, wide, level } of shown.bars ?? []) {
      pen.beginPath();
      pen.moveTo(xOf(place - wide / 2), yOf(level));
      pen.lineTo(xOf(place + wide / 2), yOf(level));
      pen.stroke();
    }
    if (shown.steps?.length) {
      pen.beginPath();
      let last = shown.steps[0];
      pen.moveTo(xOf(last.place), yOf(shown.y.place[last.row]));
      for (const step of shown.steps) {
        pen.lineTo(xOf(step.place), yOf(shown.y.place[last.row]));
        pen.lineTo(xOf(step.place), yOf(shown.y.place[step.row]));
        last = step;
      }
      pen.lineTo(xOf(1), yOf(shown.y.place[last.row]));
      pen.stroke();
    }
    still.width = canvas.width;
    still.height = canvas.height;
    /** @type {CanvasRenderingContext2D} */ (still.getContext('2d')).drawImage(canvas, 0, 0);
    rings(pen);
  }

  /** @param {CanvasRenderingContext2D} pen */
  function rings(pen) {
    if (!shown) return;
    for (const row of shown.pins) ring(pen, row, pinStyle(shown.slot(row)).color, 5);
    if (shown.hovered !== null) ring(pen, shown.hovered, getComputedStyle(element).color, 6);
  }

  /** The rows inside or outside the mask, three pixels wide each. @param {CanvasRenderingContext2D} pen @param {number} inside @param {string} color */
  function cloud(pen, inside, color) {
    const { x, y, mask } = /** @type {Dots} */ (shown);
    const { weight } = sheet.empty(width, height);
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] !== inside) continue;
      const at = Math.round(xOf(x.place[i])) * height + Math.round(yOf(y.place[i]));
      for (const column of [at - height, at, at + height]) for (let j = column - 1; j <= column + 1; j++) weight[j]++;
    }
    sheet.show(new Uint32Array(256).fill(pixelOf(color)), 0.3);
    pen.drawImage(sheet.canvas, 0, 0);
  }

  /** @param {CanvasRenderingContext2D} pen @param {number} i */
  function mark(pen, i) {
    const size = 3;
    const [x, y] = [xOf(/** @type {Dots} */ (shown).x.place[i]), yOf(/** @type {Dots} */ (shown).y.place[i])];
    if (/** @type {Dots} */ (shown).crossed(i)) {
      pen.lineWidth = 1.5;
      pen.beginPath();
      for (const way of [-1, 1]) {
        pen.moveTo(x - size, y - size * way);
        pen.lineTo(x + size, y + size * way);
      }
      pen.stroke();
    } else {
      pen.beginPath();
      pen.arc(x, y, size, 0, 2 * Math.PI);
      pen.lineWidth = 1.25;
      if (/** @type {Dots} */ (shown).hollow(i)) pen.stroke();
      else pen.fill();
    }
  }

  /** @param {CanvasRenderingContext2D} pen @param {number} i @param {string} color @param {number} size */
  function ring(pen, i, color, size) {
    pen.strokeStyle = color;
    pen.lineWidth = 2.5;
    pen.beginPath();
    pen.arc(xOf(/** @type {Dots} */ (shown).x.place[i]), yOf(/** @type {Dots} */ (shown).y.place[i]), size, 0, 2 * Math.PI);
    pen.stroke();
  }

  const sized = new ResizeObserver(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    label();
    draw();
  });
  sized.observe(element);
  return {
    element,
    draw,
    /** @param {Dots} next */
    show(next) {
      const relabel = shown?.x !== next.x || shown?.y !== next.y;
      shown = next;
      if (relabel) label();
      draw();
    },
    /** Puts the ring around another row. @param {number|null} hovered */
    light(hovered) {
      if (!shown || !width) return;
      shown.hovered = hovered;
      const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
      pen.clearRect(0, 0, width, height);
      pen.drawImage(still, 0, 0, width, height);
      rings(pen);
    },
    stop: () => sized.disconnect(),
  };
}
