// @ts-check
// What a run gets wrong, and why: the picture matrix, the pair ledger, confusion over training, and the images behind every number.
import { h, put } from '../dom.js';
import { get, isReport, post } from '../api.js';
import { dropCharts } from '../chart.js';
import { count, csvLine, percent, plural } from '../format.js';
import { keys } from '../keys.js';
import { announce, card, copy, failure, page, sentenceList } from '../page.js';
import { href, setParam } from '../state.js';
import { cellDrawer } from '../charts/drawer.js';
import { epochCurves } from '../charts/epochs.js';
import { exampleList } from '../charts/examples.js';
import { ledger } from '../charts/ledger.js';
import { confusionTable, shownClasses } from '../charts/matrix.js';
import { calibrationChart, classTable, secondChoice } from '../charts/outlook.js';

/** The ways to see the matrix, in the order in which `m` goes through them. @type {[import('../charts/matrix.js').Mode, string][]} */
const MODES = [['pictures', 'pictures'], ['counts', 'counts'], ['percent', '% of the true class']];
/** Examples that are shown before somebody asks for more. */
const FIRST = 6;

/** @param {string[]} ids @param {Record<string, string>} params @returns {Promise<HTMLElement>} */
export async function errorsPage(ids, params) {
  const path = `/api/runs/${encodeURIComponent(ids[0])}`;
  const body = h('div', { class: 'errors' });
  let set = params.set === 'test' ? 'test' : 'validation';
  let mode = MODES.find(([name]) => name === params.matrix)?.[0] ?? 'pictures';
  let drawer = /** @type {ReturnType<typeof cellDrawer>|null} */ (null);
  let draw = () => {};

  /** The answer for a set; for the test set that is closed, the run whose reader must be asked first. @param {string} wanted */
  const answer = async (wanted) => {
    const run = wanted === 'test' ? await get(path) : null;
    return run && run.test === null ? { closed: run } : get(`${path}/errors?set=${wanted}`);
  };
  const first = await answer(set);
  const root = page(`Errors of ${(first.closed ?? first).name}`, body);

  /** @param {string} next */
  async function show(next) {
    set = next;
    setParam('set', set === 'test' ? 'test' : null);
    try {
      fill(await answer(set));
    } catch (error) {
      put(body, switcher(), failure(error));
    }
  }

  /** @param {any} data */
  function fill(data) {
    drawer?.close();
    dropCharts(body);
    if (data.closed) put(body, switcher(), askFirst(data.closed));
    else put(body, contents(data));
    announce(data.closed ? 'The test set is closed.' : `${set} set: ${percent(data.accuracy)} right.`);
  }

  const switcher = () => h('div', { class: 'switch', role: 'group', 'aria-label': 'Which images' }, ['validation', 'test'].map((which) => h('button', { type: 'button', 'aria-pressed': String(which === set), on: { click: () => which === set || show(which) } }, `${which} set`)));

  /** The seal of the test set. @param {any} run */
  function askFirst(run) {
    const openings = run.test_openings ?? 0;
    const status = h('p', { role: 'status' });
    const open = h('button', { type: 'button', class: 'strong', on: { click: async () => {
      open.disabled = true;
      put(status, 'Opening the test set…');
      try {
        fill(await post(`${path}/test`));
      } catch (failed) {
        open.disabled = false;
        put(status, failure(failed));
      }
    } } }, 'Open the test set');
    return h('section', { class: 'card seal', 'aria-label': 'The test set is closed' }, h('h2', {}, 'The test set is closed'),
      h('p', {}, `It was not opened for this run${openings ? `; for others, it was opened ${plural(openings, 'time')}` : ''}. ${run.may_open_test ? 'This opens the test set, and is counted.' : 'The model of this run is not there, so it cannot be opened.'}`),
      h('p', { class: 'muted' }, 'Choosing settings by the test set makes its accuracy too good to be true: open it once, at the end.'),
      run.may_open_test && !isReport ? open : null, status);
  }

  /** @param {any} data */
  function contents(data) {
    const { classes } = data;
    const cells = /** @type {Map<string, Promise<any>>} */ (new Map());
    const cellOf = (/** @type {number} */ t, /** @type {number} */ p) => {
      const key = `${t}-${p}`;
      if (!cells.has(key)) cells.set(key, get(`${path}/errors/cell?set=${set}&true=${t}&predicted=${p}`));
      return /** @type {Promise<any>} */ (cells.get(key));
    };
    drawer = cellDrawer(classes, cellOf, (key) => setParam('cell', key));
    const open = (/** @type {number} */ t, /** @type {number} */ p, /** @type {HTMLElement} */ from) => drawer?.open(t, p, data.confusion[t][p], from);
    const place = h('div', {});
    draw = () => {
      put(place, confusionTable(data, mode, open));
      for (const button of modes.children) button.setAttribute('aria-pressed', String(/** @type {HTMLElement} */ (button).dataset.mode === mode));
    };
    const modes = h('div', { class: 'switch', role: 'group', 'aria-label': 'How the matrix is drawn (m)' }, MODES.map(([name, text]) => h('button', { type: 'button', dataset: { mode: name }, on: { click: () => choose(name) } }, text)));
    draw();
    const hidden = classes.length - shownClasses(data).length;
    const matrix = h('figure', { class: 'chart' }, h('header', {}, modes), place, h('figcaption', {}, matrixText(data, hidden)));
    const [t, p] = (params.cell ?? '').split('-').map(Number);
    if (params.cell && data.confusion[t]?.[p] !== undefined) requestAnimationFrame(() => open(t, p, /** @type {HTMLElement} */ (place.querySelector(`[data-cell="${t}-${p}"]`) ?? place)));
    return [
      h('header', { class: 'headline' },
        h('p', { class: 'lead' }, h('strong', {}, percent(data.accuracy)), ` right, 95% interval [${percent(data.low)}, ${percent(data.high)}]: `, h('strong', {}, count(data.wrong)), ` of ${count(data.images)} ${data.set} images are wrong. `, h('a', { href: href('run', data.run) }, 'The run')),
        switcher(), sentenceList(data.sentences)),
      h('div', { class: 'matrix-and-ledger' },
        card('What each class is mistaken for', matrix),
        h('div', {}, card('Which way does each confusion run?', ledger(data, cellOf, open)), data.training?.epoch.length ? card('Confusion over training', epochCurves(data, open)) : null)),
      h('div', { class: 'columns' },
        card('Second choice and classes', secondChoice(data), classTable(data, open)),
        card('Confidence', calibrationChart(data))),
      h('div', { class: 'columns' },
        card('Confident mistakes', h('p', { class: 'muted' }, `${plural(data.sure.count, 'error')} made with more than 95% confidence, the most confident first.`), exampleList(data.sure, classes, FIRST)),
        card('Labels that look wrong', h('p', { class: 'muted' }, suspectText(data.suspects)), saveSuspects(data), exampleList(data.suspects, classes, FIRST))),
      drawer.element,
    ];
  }

  /** @param {import('../charts/matrix.js').Mode} next */
  function choose(next) {
    mode = next;
    setParam('matrix', mode === 'pictures' ? null : mode);
    draw();
    announce(`The matrix shows ${MODES.find(([name]) => name === mode)?.[1]}.`);
  }

  fill(first);
  keys(root, {
    m: () => choose(MODES[(MODES.findIndex(([name]) => name === mode) + 1) % MODES.length][0]),
    Escape: () => drawer?.close() ?? false,
  });
  return root;
}

/** Sentence on the matrix. @param {any} data @param {number} hidden classes that are not shown */
function matrixText({ classes, confusion, three_largest: share }, hidden) {
  let [most, t, p] = [0, 0, 0];
  confusion.forEach((/** @type {number[]} */ row, /** @type {number} */ i) => row.forEach((n, j) => {
    if (i !== j && n > most) [most, t, p] = [n, i, j];
  }));
  const left = hidden ? ` The ${hidden} classes with the fewest errors are not shown.` : '';
  if (!most) return `Nothing is wrong.${left}`;
  return `The most frequent mistake: ${count(most)} ${classes[t]} called ${classes[p]}. The three largest pairs are ${percent(share, 0)} of all errors. Look-alikes are neighbors; pictures are the mean of what landed there.${left}`;
}

/** @param {any} suspects */
function suspectText({ count: n }) {
  return n ? `${plural(n, 'image')} whose label is probably wrong: the model is sure, and so are the training images nearest to it. Look before you believe it.` : 'No label looks wrong.';
}

/** @param {any} data */
function saveSuspects({ suspects, classes, set }) {
  if (!suspects.list.length) return null;
  const lines = suspects.list.map((/** @type {any} */ one) => csvLine([set, one.index, classes[one.true], classes[one.predicted]]));
  const text = ['set,index,label,predicted', ...lines].join('\n');
  const button = h('button', { type: 'button', class: 'quiet', on: { click: () => copy(text, button) } }, 'Copy as CSV');
  return button;
}
