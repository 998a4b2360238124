// @ts-check
// Plotly's charts, each a figure with a heading, a caption in words and the same numbers as a table. They are drawn when they come
// into view, drawn again when the theme changes, and walked through with the arrow keys.

import { clear, h, put, svg } from './dom.js';
import { isReport } from './api.js';
import { theme, themed, token } from './palette.js';
import { plainTable } from './page.js';
import { walk } from './walk.js';

/** @typedef {{head: string[], rows: any[][]}} TableOf */
/** @typedef {{trace: any, i: number, custom: any}} Point a point of a trace, and its `customdata` */

/**
 * @typedef {object} Chart
 * @property {string} title
 * @property {any[] | ((theme: 'light' | 'dark') => any[])} traces Plotly's; a function is asked again at each change of the theme
 * @property {any} [layout] merged over ours
 * @property {string} [caption] one sentence that says what is seen
 * @property {TableOf | (() => TableOf)} [table]
 * @property {number} [height] pixels
 * @property {import('./dom.js').Child[]} [tools] controls beside the heading
 * @property {(point: Point) => void} [onPoint] a point was clicked, or Enter pressed on it
 * @property {(point: Point | null) => void} [onHover]
 * @property {() => {x: any[], y: any[]} | null} [over] what is lifted out by the pointer: a line, or one dot; `lift` draws it anew
 */

/** More rows than this are not read in a table of a chart. */
const MOST_ROWS = 1000;

/** Hears of figures that come into view. @type {IntersectionObserver | null} */
let watch = null;

/**
 * A chart. `update` changes what it is given and draws again.
 * @param {Chart} given @returns {HTMLElement & {update: (changed: Partial<Chart>) => void, lift: () => void}}
 */
export function chart(given) {
  let now = { height: 260, ...given };
  /** @type {any} */
  const plot = h('div', { class: 'plot', tabindex: '0', role: 'group', style: { height: `${now.height}px` } });
  const above = svg('svg', { class: 'above', 'aria-hidden': 'true' });
  const caption = h('figcaption', null, now.caption ?? '');
  const details = h('details', { class: 'as-table', on: { toggle: () => details.open && fillTable() } }, h('summary', null, 'as table'), h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `${given.title} as table` }));
  const heading = h('h3', null, now.title);
  const tools = h('div', { class: 'tools' }, now.tools ?? []);
  /** @type {any} */
  const figure = h('figure', { class: 'chart' }, h('header', null, heading, tools), h('div', { class: 'frame' }, plot, above), caption, now.table ? details : null);
  let inView = false;
  let drawn = false;
  let waiting = false;

  const traces = () => (typeof now.traces === 'function' ? now.traces(theme()) : now.traces);
  const label = () => plot.setAttribute('aria-label', `${now.title}. ${now.caption ?? ''} Arrow keys walk through the points.`);

  async function draw() {
    if (waiting || !inView) return;
    waiting = true;
    let Plotly;
    try {
      Plotly = await plotly();
    } catch {
      put(plot, h('p', { class: 'muted' }, 'The charts could not be loaded; the table below has the numbers.'));
      return;
    }
    await new Promise((resolve) => requestAnimationFrame(resolve));
    waiting = false;
    if (!figure.isConnected) return;
    await Plotly.react(plot, traces(), dressed(now.layout ?? {}, now.height), setup());
    figure.lift();
    if (drawn) return;
    drawn = true;
    const point = (/** @type {any} */ event) => pointOf(event.points?.[0]);
    plot.on('plotly_click', (/** @type {any} */ event) => tellPoint(point(event)));
    plot.on('plotly_hover', (/** @type {any} */ event) => now.onHover?.(point(event)));
    plot.on('plotly_unhover', () => now.onHover?.(null));
    plot.on('plotly_relayout', () => figure.lift());
  }

  const tellPoint = (/** @type {Point | null} */ point) => point && now.onPoint?.(point);

  function fillTable() {
    const { head, rows } = (typeof now.table === 'function' ? now.table() : now.table) ?? { head: [], rows: [] };
    const cut = rows.length > MOST_ROWS ? h('p', { class: 'muted' }, `The first ${MOST_ROWS} of ${rows.length} rows.`) : null;
    put(details.lastElementChild, cut, plainTable(head, rows.slice(0, MOST_ROWS), now.title));
  }

  figure.update = (/** @type {Partial<Chart>} */ changed) => {
    now = { ...now, ...changed };
    put(heading, now.title);
    put(caption, now.caption ?? '');
    if (changed.tools) put(tools, changed.tools);
    plot.style.height = `${now.height}px`;
    if (now.table && !details.isConnected) figure.append(details);
    if (details.open) fillTable();
    label();
    draw();
  };

  // A line of our own upon Plotly's: to draw all of them again at each move of the pointer would be too slow.
  figure.lift = () => {
    clear(above);
    const { xaxis, yaxis } = plot._fullLayout ?? {};
    const over = xaxis && now.over?.();
    if (!over?.x.length) return;
    const places = over.x.map((/** @type {any} */ x, /** @type {number} */ i) => `${xaxis.d2p(x).toFixed(1)},${yaxis.d2p(over.y[i]).toFixed(1)}`);
    const mark = places.length > 1 ? svg('polyline', { points: places.join(' ') }) : svg('circle', { cx: places[0].split(',')[0], cy: places[0].split(',')[1], r: 7 });
    above.append(svg('svg', { x: xaxis._offset, y: yaxis._offset, width: xaxis._length, height: yaxis._length }, mark));
  };

  figure.shows = (/** @type {boolean} */ visible) => {
    inView = visible;
    if (visible) draw();
  };
  label();
  watch ??= new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => /** @type {any} */ (target).shows?.(isIntersecting)), { rootMargin: '200px' });
  watch.observe(figure);
  themed(figure, draw);
  walk(plot, { traces: () => plot.data ?? traces(), layout: () => now.layout ?? {}, hover, onPoint: (trace, i) => tellPoint({ trace, i, custom: trace.customdata?.[i] }) });

  function hover(/** @type {number} */ curveNumber, /** @type {number} */ pointNumber) {
    /** @type {any} */ (globalThis).Plotly?.Fx.hover(plot, [{ curveNumber, pointNumber }]);
  }
  return figure;
}

/** Lets go of what Plotly keeps for the charts in an element that is taken away. @param {Element} root */
export function dropCharts(root) {
  for (const figure of root.querySelectorAll('figure.chart')) watch?.unobserve(figure);
  for (const plot of root.querySelectorAll('.js-plotly-plot')) /** @type {any} */ (globalThis).Plotly?.purge(plot);
}

/** @type {Promise<any> | null} */
let arriving = null;

/** Plotly, asked for when the first chart comes into view, so that words and tables are there before it. @returns {Promise<any>} */
function plotly() {
  const here = () => /** @type {any} */ (globalThis).Plotly;
  if (here()) return Promise.resolve(here());
  arriving ??= new Promise((resolve, reject) => {
    const arrived = () => (here() ? resolve(here()) : reject(new Error('no Plotly')));
    if (isReport) {
      if (document.readyState === 'complete') arrived();
      else addEventListener('load', arrived);
      return;
    }
    document.head.append(h('script', { src: 'plotly.js', on: { load: arrived, error: reject } }));
  });
  return arriving;
}

/** @param {any} point @returns {Point | null} */
function pointOf(point) {
  if (!point) return null;
  const i = point.pointNumber ?? point.pointIndex;
  return { trace: point.data, i, custom: point.customdata };
}

/** Behavior of charts. */
function setup() {
  const save = {
    name: 'Save as SVG',
    title: 'Save as SVG',
    icon: { width: 24, height: 24, path: 'M11 3h2v9l3.5-3.5 1.4 1.4L12 15.8 6.1 9.9l1.4-1.4L11 12zM4 18h16v2H4z' },
    click: async (/** @type {any} */ plot) => {
      const text = await /** @type {any} */ (globalThis).Plotly.Snapshot.toSVG(plot, 'svg');
      const address = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
      h('a', { href: address, download: 'chart.svg' }).click();
      URL.revokeObjectURL(address);
    },
  };
  return {
    responsive: true,
    displaylogo: false,
    displayModeBar: matchMedia('(hover: none)').matches ? false : 'hover',
    modeBarButtons: [['zoom2d', 'pan2d', 'resetScale2d'], [save]],
    doubleClick: 'reset',
    showTips: false,
  };
}

/** A layout in the style of the page. @param {any} layout @param {number | undefined} height */
function dressed(layout, height) {
  const [ink, muted, line, surface] = ['--ink', '--muted', '--line', '--surface'].map(token);
  const font = { family: 'system-ui, sans-serif', size: 12, color: muted };
  const axis = {
    automargin: true,
    gridcolor: line,
    linecolor: line,
    zeroline: false,
    tickcolor: line,
    ticks: 'outside',
    ticklen: 4,
    tickfont: { ...font, size: 11 },
    title: { font, standoff: 6 },
  };
  const coarse = matchMedia('(pointer: coarse)').matches;
  const ours = {
    height,
    font,
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    margin: { l: 44, r: 10, t: 8, b: 36 },
    showlegend: false,
    legend: { orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom', font: { ...font, color: ink } },
    hovermode: 'closest',
    hoverlabel: { bgcolor: surface, bordercolor: line, font: { ...font, color: ink }, align: 'left', namelength: 40 },
    modebar: { bgcolor: 'rgba(0,0,0,0)', color: muted, activecolor: ink },
    dragmode: coarse ? false : 'zoom',
    uirevision: 'same',
  };
  const whole = merge(ours, layout);
  for (const name of new Set(['xaxis', 'yaxis', ...Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))])) {
    const { title, ...rest } = layout[name] ?? {};
    whole[name] = merge(axis, { ...rest, title: typeof title === 'string' ? { text: title } : (title ?? {}) });
  }
  return whole;
}

/** @param {any} base @param {any} over @returns {any} */
function merge(base, over) {
  const whole = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const both = isMap(whole[key]) && isMap(value);
    whole[key] = both ? merge(whole[key], value) : value;
  }
  return whole;
}

/** @param {any} value */
function isMap(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
