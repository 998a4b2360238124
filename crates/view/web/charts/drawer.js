// @ts-check
// The drawer beside a matrix: the images of one cell. The page stays usable, and the focus goes back to where it came from.
import { h, put } from '../dom.js';
import { count, plural } from '../format.js';
import { failure } from '../page.js';
import { exampleList } from './examples.js';

/**
 * @param {string[]} classes
 * @param {(t: number, p: number) => Promise<import('./examples.js').Examples>} cellOf
 * @param {(cell: string|null) => void} onChange what is open, as `6-0`
 */
export function cellDrawer(classes, cellOf, onChange) {
  const title = h('h2', { tabindex: '-1' });
  const inside = h('div', { class: 'drawer-body' });
  const shut = h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close', title: 'Esc', on: { click: () => close() } }, '×');
  const element = h('aside', { class: 'drawer', hidden: true, 'aria-label': 'The images of a cell' }, h('header', {}, title, shut), inside);
  let from = /** @type {HTMLElement|null} */ (null);
  let wanted = '';

  /** Closes it; false if it was closed. */
  function close() {
    if (element.hidden) return false;
    element.hidden = true;
    wanted = '';
    onChange(null);
    from?.classList.remove('chosen');
    if (from?.isConnected) from.focus();
    return undefined;
  }

  return {
    element,
    close,
    /** @param {number} t @param {number} p @param {number} n how many images the cell has @param {HTMLElement} cell */
    async open(t, p, n, cell) {
      from?.classList.remove('chosen');
      from = cell;
      from.classList.add('chosen');
      wanted = `${t}-${p}`;
      onChange(wanted);
      put(title, t === p ? `${classes[t]}, right` : `${classes[t]} called ${classes[p]}`, h('span', { class: 'muted' }, ` ${count(n)}`));
      element.hidden = false;
      element.scrollTop = 0;
      title.focus({ preventScroll: true });
      if (!n) return put(inside, h('p', { class: 'muted' }, 'No image is here.'));
      put(inside, h('p', { class: 'muted' }, 'Asking for the images…'));
      const asked = wanted;
      const shown = await cellOf(t, p).then(
        (examples) => [h('p', { class: 'muted' }, `${plural(examples.count, 'image')}, the surest first.`), exampleList(examples, classes)],
        (error) => [failure(error)],
      );
      // Another cell may have been opened meanwhile.
      if (wanted === asked) put(inside, ...shown);
    },
  };
}
