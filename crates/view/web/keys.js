// @ts-check
// Keys. They belong to an element and work while it is in the page; they are off while the reader types, and never take a browser's own.

/** All keys, in the order in which the help shows them. */
export const KEYS = [
  ['?', 'this help'],
  ['/', 'filter'],
  ['j k', 'next, previous row'],
  ['x', 'pin: keep in color'],
  ['c', 'compare what is pinned'],
  ['Enter', 'open'],
  ['g p', 'go to the project'],
  ['g r', 'go to the run'],
  ['g s', 'go to the sweep'],
  ['g e', 'go to the errors'],
  ['g c', 'go to compare'],
  ['g d', 'go to the data'],
  ['[ ]', 'previous, next epoch'],
  ['l', 'logarithmic axis'],
  ['m', 'classic confusion matrix'],
  ['.', 'the best 10%'],
  ['y', 'copy the command'],
  ['t', 'light or dark'],
  ['← → ↑ ↓', 'walk through a chart or a matrix'],
  ['Esc', 'clear'],
];

const SEQUENCE_MS = 1500;

/** @type {{owner: Element, map: Record<string, (event: KeyboardEvent) => void | false>, shown: boolean}[]} */
let owners = [];
let started = false;
let before = '';
let before_ms = 0;

/**
 * Gives an element its keys: `keys(page, {'l': toggle, 'g p': home})`. The latest owner of a key has it; one that returns `false`
 * leaves it to the others and to the browser.
 * @param {Element} owner @param {Record<string, (event: KeyboardEvent) => void | false>} map
 */
export function keys(owner, map) {
  prune();
  owners.unshift({ owner, map, shown: owner.isConnected });
  if (started) return;
  started = true;
  addEventListener('keydown', press);
}

/** True if a key typed here is text. @param {any} target */
export function isTyping(target) {
  if (!target || typeof target.matches !== 'function') return false;
  return target.matches('input:not([type=checkbox]):not([type=radio]), textarea, select') || target.isContentEditable === true;
}

/** @param {KeyboardEvent} event */
function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector('dialog[open]')) return;
  if (isTyping(event.target) && event.key !== 'Escape') return;
  if (event.key === 'Enter' && /** @type {Element} */ (event.target).closest?.('a, button, summary, [role=button]')) return;
  const key = event.key === ' ' ? 'Space' : event.key;
  const after = Date.now() - before_ms < SEQUENCE_MS ? before : '';
  before = after ? '' : key;
  before_ms = Date.now();
  prune();
  const names = after ? [`${after} ${key}`, key] : [key];
  for (const name of names) {
    for (const { owner, map } of owners) {
      if (!owner.isConnected || !(name in map) || map[name](event) === false) continue;
      event.preventDefault();
      if (name !== key) before = '';
      return;
    }
  }
}

/** Forgets the owners that were in the page and left it. */
function prune() {
  owners.forEach((entry) => (entry.shown ||= entry.owner.isConnected));
  owners = owners.filter((entry) => entry.owner.isConnected || !entry.shown);
}
