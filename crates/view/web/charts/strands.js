// @ts-check
// Draws the rows of parallel coordinates on two canvases: the brushed ones below, pinned and hovered ones above.
import { COARSE, FINE, addLine, addRibbons, binned, createPairs, createPicture, group, paint, wipe } from './ribbons.js';

/** Fewer brushed rows than this are drawn one by one. */
export const SINGLE = 300;
/** The dashes of the eight pins, as a canvas takes them. */
export const DASHES = [[], [8, 4], [2, 3], [8, 3, 2, 3], [14, 5], [14, 4, 2, 4], [8, 2, 2, 2], [1, 3]];

/**
 * @typedef {{axes: import('./axes.js').Axis[], left: number, gap: number, height: number, tone: Float32Array, dashed: Uint8Array,
 *   colors: string[], grey: string}} Layout `colors` by tone, from worst to best
 * @typedef {{row: number, color: string, wide: number, dash: number[]}} Strand
 */

/** A color as a number, without opacity: the bytes of a canvas's pixel, red first. @param {string} css */
export function pixelOf(css) {
  const [r, g, b] = css.startsWith('#')
    ? [1, 3, 5].map((at) => parseInt(css.length < 7 ? css[(at + 1) / 2].repeat(2) : css.slice(at, at + 2), 16))
    : (css.match(/[\d.]+/g) ?? ['0', '0', '0']).map(Number);
  return r | (g << 8) | (b << 16);
}

/** A picture with a canvas of its own, which other canvases copy from. */
export function createSheet() {
  const canvas = document.createElement('canvas');
  let picture = createPicture(1, 1);
  let image = new ImageData(1, 1);
  return {
    canvas,
    /** An empty picture of this size. @param {number} width @param {number} height */
    empty(width, height) {
      if (picture.width !== width || picture.height !== height) {
        picture = createPicture(width, height);
        image = new ImageData(width, height);
        canvas.width = width;
        canvas.height = height;
      } else wipe(picture);
      return picture;
    },
    /** @param {Uint32Array} colors @param {number} least */
    show(colors, least) {
      paint(picture, new Uint32Array(image.data.buffer), colors, least);
      /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d')).putImageData(image, 0, 0);
    },
  };
}

/** @param {HTMLCanvasElement} below @param {HTMLCanvasElement} above */
export function createStrands(below, above) {
  const [context, active, pairs] = [createSheet(), createSheet(), createPairs()];
  let layout = /** @type {Layout|null} */ (null);
  let bins = /** @type {Map<number, Uint8Array[]>} */ (new Map());
  let colors = new Uint32Array(256);
  let greyDrawn = false;

  /** Ribbons of a mask's rows on a sheet. @param {ReturnType<typeof createSheet>} sheet @param {Uint8Array|null} mask @param {number} fine @param {number} scale */
  function ribbons(sheet, mask, fine, scale) {
    const { axes, gap, height, tone } = /** @type {Layout} */ (layout);
    const step = Math.max(1, Math.round(gap * scale));
    const picture = sheet.empty(step * Math.max(1, axes.length - 1), Math.max(1, Math.round(height * scale)));
    if (!bins.has(fine)) bins.set(fine, axes.map((axis) => binned(axis.place, fine)));
    const places = /** @type {Uint8Array[]} */ (bins.get(fine));
    for (let a = 0; a + 1 < axes.length; a++) {
      group(pairs, places[a], places[a + 1], tone, mask, fine);
      addRibbons(picture, pairs, fine, a * step, (a + 1) * step);
    }
  }

  /** The rows of a mask, one by one. @param {Uint8Array} mask @param {number} scale */
  function lines(mask, scale) {
    const { axes, gap, height, tone, dashed } = /** @type {Layout} */ (layout);
    const step = Math.max(1, Math.round(gap * scale));
    const picture = active.empty(step * Math.max(1, axes.length - 1), Math.max(1, Math.round(height * scale)));
    const reach = picture.height - 1;
    for (let i = 0; i < mask.length; i++) {
      if (!mask[i]) continue;
      for (let a = 0; a + 1 < axes.length; a++) {
        const [from, to] = [reach * (1 - axes[a].place[i]) + 0.5, reach * (1 - axes[a + 1].place[i]) + 0.5];
        addLine(picture, a * step, from, (a + 1) * step, to, 1, tone[i], 1.4 * scale, dashed[i] ? Math.round(5 * scale) : 0, 7 * i);
      }
    }
  }

  /** A canvas made as large as the chart. @param {HTMLCanvasElement} canvas */
  function sized(canvas) {
    const { axes, left, gap, height } = /** @type {Layout} */ (layout);
    const [width, ratio] = [2 * left + gap * Math.max(1, axes.length - 1), window.devicePixelRatio || 1];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return pen;
  }

  return {
    /** Takes new axes, places or colors. @param {Layout} next */
    lay(next) {
      layout = next;
      bins = new Map();
      colors = Uint32Array.from(next.colors, pixelOf);
      greyDrawn = false;
    },

    /** Draws the grey of all rows before somebody brushes, who would wait for it. */
    prepare() {
      if (!layout || greyDrawn) return;
      ribbons(context, null, FINE, 1);
      context.show(new Uint32Array(256).fill(pixelOf(layout.grey)), layout.tone.length < SINGLE ? 0.3 : 0.14);
      greyDrawn = true;
    },

    /** Draws the rows of a mask; those outside it stay in sight, in grey. @param {Uint8Array} mask @param {number} count @param {boolean} coarse */
    draw(mask, count, coarse) {
      if (!layout) return;
      const { axes, left, gap, height } = layout;
      const pen = sized(below);
      const width = gap * Math.max(1, axes.length - 1);
      if (count < mask.length) {
        this.prepare();
        pen.drawImage(context.canvas, left, 0, width, height);
      }
      if (!count) return;
      if (count < SINGLE) {
        lines(mask, window.devicePixelRatio || 1);
        active.show(colors, 0.85);
      } else {
        ribbons(active, mask, coarse ? COARSE : FINE, coarse ? 0.5 : 1);
        active.show(colors, 0.4);
      }
      pen.drawImage(active.canvas, left, 0, width, height);
    },

    /** Draws single rows over all others, and a cross at the last axis for each row that failed. @param {Strand[]} strands @param {number[]} crosses @param {string} ground */
    over(strands, crosses, ground) {
      if (!layout) return;
      const { axes, left, gap, height } = layout;
      const pen = sized(above);
      const y = (/** @type {number} */ a, /** @type {number} */ row) => (height - 1) * (1 - axes[a].place[row]) + 0.5;
      pen.lineJoin = 'round';
      pen.strokeStyle = layout.grey;
      pen.lineWidth = 1.5;
      for (const row of crosses) {
        const [x, at] = [left + gap * (axes.length - 1), y(axes.length - 1, row)];
        pen.beginPath();
        for (const way of [-1, 1]) {
          pen.moveTo(x - 4, at - 4 * way);
          pen.lineTo(x + 4, at + 4 * way);
        }
        pen.stroke();
      }
      for (const { row, color, wide, dash } of strands) {
        for (const [style, width, pattern] of /** @type {[string, number, number[]][]} */ ([[ground, wide + 3, []], [color, wide, dash]])) {
          pen.beginPath();
          for (let a = 0; a < axes.length; a++) pen.lineTo(left + a * gap, y(a, row));
          pen.setLineDash(pattern);
          pen.strokeStyle = style;
          pen.lineWidth = width;
          pen.stroke();
        }
        pen.setLineDash([]);
        pen.fillStyle = color;
        for (let a = 0; a < axes.length; a++) {
          pen.beginPath();
          pen.arc(left + a * gap, y(a, row), wide + 1, 0, 2 * Math.PI);
          pen.fill();
        }
      }
    },

    /** The row of the mask that passes nearest to a point, within 7 pixels; -1 if there is none. @param {number} x @param {number} y @param {Uint8Array} mask */
    pick(x, y, mask) {
      if (!layout || layout.axes.length < 2) return -1;
      const { axes, left, gap, height } = layout;
      const a = Math.min(axes.length - 2, Math.max(0, Math.floor((x - left) / gap)));
      const share = (x - left) / gap - a;
      if (share < -0.1 || share > 1.1) return -1;
      const [from, to, place] = [axes[a].place, axes[a + 1].place, 1 - y / height];
      let [nearest, found] = [7 / height, -1];
      for (let i = 0; i < mask.length; i++) {
        if (!mask[i]) continue;
        const distance = Math.abs(from[i] + (to[i] - from[i]) * share - place);
        if (distance < nearest) [nearest, found] = [distance, i];
      }
      return found;
    },
  };
}
