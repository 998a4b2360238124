// @ts-check
// The four charts of a training: loss, accuracy, gradients with the learning rate, and throughput, all by epoch.

import { chart } from '../chart.js';
import { h, put } from '../dom.js';
import { SHARES, count, number, percent } from '../format.js';
import { pinStyle, themed, token } from '../palette.js';
import { course, lineKey, pinnedLine } from './series.js';

/** Validation is always the first color, training the second. */
const [VALIDATION, TRAINING] = [0, 1];

/** @param {any} x @param {any[]} y @param {number} slot @param {string} name @param {string} form how a value is shown */
function line(x, y, slot, name, form) {
  return { x, y, type: 'scatter', name, ...pinnedLine(slot, y.length), hovertemplate: `${name}<br>epoch %{x}: %{y:${form}}<extra></extra>` };
}

/**
 * The charts of a run; `follow` draws them for what is known now, `mark` points at an epoch.
 */
export function trainingCharts() {
  /** @type {any} */
  let run = null;
  /** @type {number | null} */
  let marked = null;
  let log = false;
  const key = h('div');

  /** @param {string} title @param {string} form @param {any} [more] */
  const layout = (title, form, more = {}) => ({
    xaxis: { title: 'epoch', dtick: run && run.curves.epoch.length <= 12 ? 1 : undefined },
    yaxis: { title, tickformat: form, ...more },
    shapes: shapes(),
    uirevision: `${title} ${log}`,
  });

  function shapes() {
    const at = (/** @type {number} */ x, /** @type {any} */ style) => ({ type: 'line', x0: x, x1: x, y0: 0, y1: 1, yref: 'paper', line: style });
    const list = [];
    if (run?.best_epoch) list.push(at(run.best_epoch, { color: token('--edge'), width: 1, dash: 'dot' }));
    if (marked !== null) list.push(at(marked, { color: token('--accent'), width: 1 }));
    return list;
  }

  const pair = (/** @type {string} */ name, /** @type {string} */ form) => () => {
    const { curves } = run;
    return [line(curves.epoch, curves[`val_${name}`], VALIDATION, 'validation', form), line(curves.epoch, curves[`train_${name}`], TRAINING, 'training', form)];
  };

  const loss = chart({ title: 'Loss', traces: () => pair('loss', '.4f')(), height: 230, table: () => rowsOf('loss', number) });
  const accuracy = chart({ title: 'Accuracy', traces: () => pair('accuracy', '.2%')(), height: 230, table: () => rowsOf('accuracy', (x) => percent(x, 2)) });
  const gradients = chart({ title: 'Gradients and learning rate', traces: () => gradientTraces(), height: 230, table: () => gradientTable() });
  const speed = chart({ title: 'Throughput', traces: () => [line(run.curves.epoch, run.curves.samples_per_second, VALIDATION, 'images a second', ',.0f')], height: 230, table: () => ({ head: ['epoch', 'images a second', 'seconds so far'], rows: run.curves.epoch.map((/** @type {number} */ e, /** @type {number} */ i) => [e, count(run.curves.samples_per_second[i]), number(run.curves.seconds[i])]) }) });
  const layers = h('div');

  /** @param {string} name @param {(x: any) => string} said */
  function rowsOf(name, said) {
    const { curves } = run;
    return { head: ['epoch', 'validation', 'training'], rows: curves.epoch.map((/** @type {number} */ e, /** @type {number} */ i) => [e, said(curves[`val_${name}`][i]), said(curves[`train_${name}`][i])]) };
  }

  function gradientTraces() {
    const { curves, evidence } = run;
    const list = norms(evidence).map((each, i) => line(curves.epoch, each, i, `layer ${i + 1}`, '.3g'));
    list.push({ ...line(curves.epoch, curves.learning_rate, 7, 'learning rate', '.3g'), mode: 'lines' });
    return list;
  }

  function gradientTable() {
    const { curves, evidence } = run;
    const all = norms(evidence);
    return { head: ['epoch', 'learning rate', ...all.map((_, i) => `layer ${i + 1}`)], rows: curves.epoch.map((/** @type {number} */ e, /** @type {number} */ i) => [e, number(curves.learning_rate[i]), ...all.map((each) => number(each[i]))]) };
  }

  const lossSaid = (/** @type {number} */ x) => x.toFixed(4);
  const accuracySaid = (/** @type {number} */ x) => percent(x, 1);

  function draw() {
    const { curves, best_epoch: best } = run;
    const marks = best ? ` The dotted line is the best epoch, ${best}.` : '';
    const how = (/** @type {string} */ name, /** @type {(x: number) => string} */ said, /** @type {boolean} */ up) => `Validation ${name} ${course(curves.epoch, curves[`val_${name}`], said, 'epoch', up)}.${marks}`;
    loss.update({ layout: layout('loss', '', { type: log ? 'log' : 'linear' }), caption: how('loss', lossSaid, false) });
    accuracy.update({ layout: layout('accuracy', SHARES), caption: how('accuracy', accuracySaid, true) });
    gradients.update({ layout: layout('gradient norm, rate', '~g', { type: 'log', dtick: 1 }), caption: gradientCaption() });
    speed.update({ layout: layout('images a second', '~s', { rangemode: 'tozero' }), caption: speedCaption() });
    const style = (/** @type {number} */ slot) => pinStyle(slot);
    put(key, lineKey([{ name: 'validation', style: style(VALIDATION) }, { name: 'training', style: style(TRAINING) }]));
    put(layers, lineKey([...norms(run.evidence).map((_, i) => ({ name: `layer ${i + 1}`, style: style(i) })), { name: 'learning rate', style: style(7) }]));
  }

  function gradientCaption() {
    const all = norms(run.evidence);
    const last = all.map((each) => each[each.length - 1]).filter((x) => x !== null && x !== undefined);
    const rate = run.curves.learning_rate.at(-1);
    const ratesaid = `The learning rate is ${number(rate)}.`;
    if (last.length < 2) return ratesaid;
    const ratio = Math.max(...last) / Math.min(...last);
    const where = (/** @type {number} */ x) => `layer ${all.findIndex((each) => each[each.length - 1] === x) + 1}`;
    return ratio < 3 ? `All layers get gradients of about the same size. ${ratesaid}` : `At the end ${where(Math.max(...last))} gets ${number(Math.round(ratio))} times the gradient of ${where(Math.min(...last))}. ${ratesaid}`;
  }

  function speedCaption() {
    const speeds = run.curves.samples_per_second.filter((/** @type {any} */ x) => x !== null);
    if (!speeds.length) return 'No epoch has ended yet.';
    const mean = speeds.reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, 0) / speeds.length;
    return `${count(mean)} images a second on average, between ${count(Math.min(...speeds))} and ${count(Math.max(...speeds))}.`;
  }

  const element = h('div', { class: 'four' }, h('div', null, loss, key), accuracy, h('div', null, gradients, layers), speed);
  themed(element, draw);
  return {
    element,
    /** @param {any} next */
    follow(next) {
      run = next;
      draw();
    },
    /** @param {number | null} epoch */
    mark(epoch) {
      marked = epoch;
      draw();
    },
    toggleLog() {
      log = !log;
      draw();
    },
  };
}

/** The gradient norms of layers, by epoch. @param {any} evidence @returns {any[][]} */
function norms(evidence) {
  return evidence?.gradient_norm ?? [];
}
