// @ts-check
// Colors. Pins are Okabe and Ito's eight, each with values for light and dark of at least 3:1 against the page, and each also with
// a dash and a marker, so that color is never the only carrier. Sequential: cividis. Diverging: blue to orange.

/** @typedef {'light' | 'dark'} Theme */

/** The page behind everything. @type {Record<Theme, string>} */
export const ground = { light: '#fbfbfa', dark: '#15171a' };

/** The colors of the eight pins. @type {Record<Theme, string[]>} */
export const pins = {
  light: ['#0072b2', '#d55e00', '#00845f', '#b0558b', '#a87000', '#2b86c0', '#7d7500', '#3c4048'],
  dark: ['#56b4e9', '#e8742a', '#2bb98f', '#d98fba', '#e69f00', '#8fd0f5', '#f0e442', '#c9ccd2'],
};

/** The dashes of the eight pins, as Plotly names them. */
export const dashes = ['solid', 'dash', 'dot', 'dashdot', 'longdash', 'longdashdot', '8px 2px 2px 2px', '1px 3px'];

/** The markers of the eight pins, as Plotly names them. */
export const symbols = ['circle', 'square', 'diamond', 'triangle-up', 'cross', 'x', 'star', 'triangle-down'];

/** Color and symbol of a pin. @param {number} slot 0 to 7 @param {Theme} [at] */
export function pinStyle(slot, at = theme()) {
  return { color: pins[at][slot % 8], dash: dashes[slot % 8], symbol: symbols[slot % 8] };
}

const CIVIDIS = ['#00224e', '#123570', '#3b496c', '#575d6d', '#707173', '#8a8678', '#a59c74', '#c3b369', '#e1cc55', '#fee838'];
const DIVERGING = { light: ['#0072b2', '#f4f4f2', '#c75400'], dark: ['#56b4e9', '#25282d', '#e69f00'] };

/** A color from dark blue (0) to yellow (1). @param {number} t */
export function cividis(t) {
  return along(CIVIDIS, t);
}

/** A color from blue (-1) over the page's own (0) to orange (1). @param {number} t @param {Theme} [at] */
export function diverging(t, at = theme()) {
  return along(DIVERGING[at], (t + 1) / 2);
}

/** Black or white, whichever is read better on a background such as `#123570`. @param {string} background */
export function ink(background) {
  return contrast(background, '#ffffff') >= contrast(background, '#000000') ? '#ffffff' : '#000000';
}

/** The contrast of two colors, 1 to 21, as WCAG 2.2 defines it. @param {string} a @param {string} b */
export function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** The theme that is shown. @returns {Theme} */
export function theme() {
  if (typeof document === 'undefined') return 'light';
  const chosen = document.documentElement.dataset.theme;
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

/** @type {Set<(theme: Theme) => void>} */
const listeners = new Set();

/** Takes the reader's choice, if there is one, and follows the system otherwise. */
export function startTheme() {
  const chosen = stored();
  if (chosen) document.documentElement.dataset.theme = chosen;
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell);
}

/** Goes to the other theme and remembers it; going back to the system's forgets it. */
export function toggleTheme() {
  const next = theme() === 'dark' ? 'light' : 'dark';
  const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  if (next === system) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === system) localStorage.removeItem('theme');
    else localStorage.setItem('theme', next);
  } catch {
    // A page without storage forgets the choice at its end.
  }
  tell();
}

/** Calls `listener` when the theme changes. @param {(theme: Theme) => void} listener @returns {() => void} what ends it */
export function onTheme(listener) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Calls `act` when the theme changes while an element is in the page; nothing outlives the element. @param {HTMLElement} owner @param {() => void} act */
export function themed(owner, act) {
  owner.dataset.themed = '';
  owner.addEventListener('theme', act);
}

/** The value of a property of the style sheet: `token('--accent')`. @param {string} name */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function tell() {
  const now = theme();
  [...listeners].forEach((listener) => listener(now));
  for (const owner of document.querySelectorAll('[data-themed]')) owner.dispatchEvent(new Event('theme'));
}

/** @returns {Theme | null} */
function stored() {
  try {
    const chosen = localStorage.getItem('theme');
    return chosen === 'light' || chosen === 'dark' ? chosen : null;
  } catch {
    return null;
  }
}

/** @param {string[]} stops @param {number} t */
function along(stops, t) {
  const place = Math.min(Math.max(t, 0), 1) * (stops.length - 1);
  const i = Math.min(Math.floor(place), stops.length - 2);
  const [a, b] = [rgb(stops[i]), rgb(stops[i + 1])];
  const mixed = a.map((from, k) => Math.round(from + (b[k] - from) * (place - i)));
  return `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** @param {string} color */
function luminance(color) {
  const [r, g, b] = rgb(color).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {string} color `#rrggbb` */
function rgb(color) {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}
