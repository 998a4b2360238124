// @ts-check
// What pages are put together from.

import { h, put } from './dom.js';

/** @typedef {{rule?: string, text: string, href?: string | null, settled?: boolean}} Sentence */

/**
 * A page: its heading, which is also the document's title, and its sections.
 * @param {string} title @param {...import('./dom.js').Child} sections @returns {HTMLElement}
 */
export function page(title, ...sections) {
  return h('article', { class: 'page', dataset: { title } }, h('h1', { tabindex: '-1' }, title), ...sections);
}

/** A section with a heading. @param {string} title @param {...import('./dom.js').Child} children @returns {HTMLElement} */
export function card(title, ...children) {
  return h('section', { class: 'card', 'aria-label': title }, h('h2', null, title), ...children);
}

/** Lists of what `handloom verify` cannot check in a report. @param {{author: string[], uncheckable: string[]}} report @returns {HTMLElement} */
export function uncheckedNote({ author, uncheckable }) {
  return h(
    'p',
    { class: 'muted small unchecked' },
    '`handloom verify` trains again what this report shows, and checks every figure but these. The author’s words, not checked: ',
    `${author.join(', ')}. Not checkable: ${uncheckable.join(', ')}.`,
  );
}

/** Sentences, each linked to its evidence. @param {Sentence[]} sentences @returns {HTMLElement | null} */
export function sentenceList(sentences) {
  if (!sentences?.length) return null;
  const items = sentences.map((sentence) => h('li', { dataset: { rule: sentence.rule ?? '' } }, sentenceText(sentence)));
  return h('ul', { class: 'sentences' }, items);
}

/** A sentence as a link to its evidence, or as text. @param {Sentence} sentence */
export function sentenceText({ text, href }) {
  return href ? h('a', { href }, text) : text;
}

/** Message about an error. @param {any} error @returns {HTMLElement} */
export function failure(error) {
  const message = error?.message ?? String(error);
  return h('div', { class: 'failure', role: 'alert' }, h('p', null, h('strong', null, upper(message))), error?.hint ? h('p', { class: 'muted' }, upper(error.hint)) : null);
}

/** A command with a button that copies it. @param {string} command @returns {HTMLElement} */
export function commandLine(command) {
  const button = h('button', { class: 'quiet', type: 'button', on: { click: () => copy(command, button) } }, 'Copy');
  return h('div', { class: 'command' }, h('code', null, command), button);
}

/** Puts text into the clipboard and says so on the button. @param {string} text @param {HTMLElement} [button] */
export async function copy(text, button) {
  let said = 'Copied';
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    said = 'Select and copy it by hand';
  }
  announce(said);
  if (!button) return;
  const label = button.textContent;
  button.textContent = said;
  setTimeout(() => (button.textContent = label), 1500);
}

/** Says something to screen readers, without moving anything on the screen. @param {string} text */
export function announce(text) {
  const place = document.getElementById('said');
  if (place) put(place, text);
}

/** A choice of one among a few, as a labeled list. @param {string} label @param {[string, string][]} options value and text @param {string} value @param {(value: string) => void} onPick */
export function choice(label, options, value, onPick) {
  const list = h('select', { on: { change: () => onPick(list.value) } }, options.map(([key, text]) => h('option', { value: key, selected: key === value }, text)));
  return h('label', { class: 'choice' }, h('span', null, label), list);
}

/** Terms and what they are. @param {[string, import('./dom.js').Child][]} pairs */
export function facts(pairs) {
  return h('dl', { class: 'facts' }, pairs.map(([term, text]) => h('div', null, h('dt', null, term), h('dd', null, text))));
}

/** A small table of text. @param {string[]} head @param {any[][]} rows @param {string} [caption] */
export function plainTable(head, rows, caption) {
  return h(
    'table',
    { class: 'plain' },
    caption ? h('caption', null, caption) : null,
    h('thead', null, h('tr', null, head.map((text) => h('th', { scope: 'col' }, text)))),
    h('tbody', null, rows.map((row) => h('tr', null, row.map((cell) => h('td', null, cell ?? '–'))))),
  );
}

/** @param {string} text */
function upper(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : text;
}
