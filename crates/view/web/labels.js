// @ts-check
// What users change of a run: its name, tags and notes.

import { post } from './api.js';
import { h, put } from './dom.js';
import { failure } from './page.js';

/**
 * A form for the labels of a run, over the page.
 * @param {{id: string, name: string, tags: string[], notes: string | null}} run
 * @param {(labels: {name: string, tags: string[], notes: string}) => void} onDone
 */
export function editLabels(run, onDone) {
  const name = h('input', { value: run.name, maxlength: '200' });
  const tags = h('input', { value: run.tags.join(' '), placeholder: 'with spaces between them' });
  const notes = h('textarea', { rows: '5' }, run.notes ?? '');
  const problem = h('div');
  const save = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const labels = { name: name.value.trim(), tags: tags.value.split(/[\s,]+/).filter(Boolean), notes: notes.value };
    try {
      await post(`/api/runs/${encodeURIComponent(run.id)}/labels`, labels);
      sheet.close();
      onDone(labels);
    } catch (error) {
      put(problem, failure(error));
    }
  };
  const form = h(
    'form',
    { class: 'form', on: { submit: save } },
    h('h2', null, 'Name, tags and notes'),
    h('label', null, 'Name', name),
    h('label', null, 'Tags', tags),
    h('label', null, 'Notes', notes),
    problem,
    h('div', { class: 'bar' }, h('button', { type: 'button', on: { click: () => sheet.close() } }, 'Cancel'), h('button', { class: 'primary' }, 'Save')),
  );
  const sheet = h('dialog', { 'aria-label': 'Name, tags and notes', on: { close: () => sheet.remove() } }, form);
  document.body.append(sheet);
  sheet.showModal();
}

/** Tags as small words. @param {string[]} tags */
export function tagList(tags) {
  return tags.length ? h('span', { class: 'tags' }, tags.map((tag) => h('span', { class: 'tag' }, tag))) : null;
}
