// @ts-check
// The one way to the data: the server's answers, or those that a report carries in its element `answers`, an object from
// addresses such as `/api/project` to answers: JSON, or where that is long JSON as `application/gzip` in base64.

/** Something that could not be had, with what to do about it. */
export class Failure extends Error {
  /** @param {string} message @param {string} [hint] @param {number} [status] */
  constructor(message, hint = '', status = 0) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

/** True if this page is a report, which is a file and has no server. */
export const isReport = typeof document !== 'undefined' && document.getElementById('answers') !== null;

/** Number of runs in the first answer, so that the page is there before the rest of them. */
export const FIRST_ROWS = 50;

/** Answers that a report carries, once they are unpacked. @type {Record<string, any>} */
let carried = {};
/** @type {Promise<void> | null} */
let unpacking = null;

/** Answers that the server put into the page itself, as `<script type="application/json" id="first">`: good for one time. @type {Map<string, any> | null} */
let first = null;

/** The answer to an address such as `/api/runs/ID`. @param {string} path @returns {Promise<any>} */
export async function get(path) {
  const address = path.startsWith('/') ? path : `/api/${path}`;
  if (!isReport) return takeFirst(address) ?? ask(address);
  await (unpacking ??= unpack());
  const answer = carried[address];
  if (answer === undefined) throw new Failure('this report does not hold that', 'it holds the runs and sweeps it was made of; `handloom ui` shows all');
  return answer;
}

/** True if there may be an answer to an address that begins like this: a report has few, and none before the first was asked for. @param {string} beginning */
export function holds(beginning) {
  return !isReport || Object.keys(carried).some((address) => address.startsWith(beginning));
}

/** Reads what a report carries. */
async function unpack() {
  const element = document.getElementById('answers');
  const text = element?.textContent ?? '{}';
  carried = JSON.parse(element?.getAttribute('type') === 'application/gzip' ? await inflated(text) : text);
}

/** The text that was compressed. @param {string} base64 @returns {Promise<string>} */
function inflated(base64) {
  if (!('DecompressionStream' in globalThis)) throw new Failure('this browser cannot unpack the report', 'open it with one from 2023 or later');
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
}

/** Asks the server to do something. @param {string} path @param {any} [body] @returns {Promise<any>} */
export async function post(path, body = {}) {
  if (isReport) throw new Failure('a report cannot change anything', 'start `handloom ui`');
  return ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

/**
 * @typedef {object} Handlers
 * @property {(run: any) => void} [run] an epoch was logged, or a status changed
 * @property {(sweep: any) => void} [sweep] something happened in a sweep
 * @property {(store: {state: 'removed' | 'replaced' | 'back'}) => void} [store] the store is gone, another one, or there again
 * @property {() => void} [again] the connection is back after it was lost: what is shown may be old
 * @property {(connected: boolean) => void} [link] the connection came or went
 */

/** @type {Set<Handlers>} */
const everyone = new Set();

/** Asks each page that hears whether it is still there. @type {Set<() => void>} */
const owners = new Set();
let listening = false;

/** Hears what happens in the store until the answer is called. @param {Handlers} handlers @returns {() => void} */
export function events(handlers) {
  everyone.add(handlers);
  if (!listening && !isReport) {
    listening = true;
    listen();
  }
  return () => void everyone.delete(handlers);
}

/** Hears what happens for as long as an element is in the page. @param {Element} owner @param {Handlers} handlers */
export function live(owner, handlers) {
  owners.forEach((leave) => leave());
  let shown = false;
  /** @type {Record<string, (what: any) => void>} */
  const guarded = {};
  const stop = events(guarded);
  const end = () => {
    stop();
    owners.delete(leave);
  };
  const leave = () => {
    shown ||= owner.isConnected;
    if (shown && !owner.isConnected) end();
  };
  owners.add(leave);
  for (const [name, listener] of Object.entries(handlers)) {
    guarded[name] = (what) => {
      if (owner.isConnected) listener(what);
      else leave();
    };
  }
}

/** @param {string} address */
function takeFirst(address) {
  if (!first) {
    const { project, runs } = JSON.parse(document.getElementById('first')?.textContent || '{}');
    first = new Map(Object.entries({ '/api/project': project, [`/api/runs?first=${FIRST_ROWS}`]: runs }).filter(([, answer]) => answer));
  }
  const answer = first.get(address);
  first.delete(address);
  return answer;
}

/** The address relative to the page, which a proxy may show below a path of its own. @param {string} path */
const below = (path) => path.replace(/^\/+/, '');

/** @param {string} path @param {RequestInit} [how] */
async function ask(path, how) {
  let response;
  try {
    response = await fetch(below(path), { ...how, headers: { accept: 'application/json', ...how?.headers } });
  } catch {
    throw new Failure('the server does not answer', 'is `handloom ui` still running in its terminal?');
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  throw new Failure(answer?.error ?? `the server answered ${response.status}`, answer?.hint ?? '', response.status);
}

/**
 * Browsers allow six connections to a server, and a stream holds one: one tab holds the stream and tells the others.
 */
function listen() {
  // Behind a proxy, another path of the same host may be another dashboard.
  const name = `handloom-events ${location.pathname}`;
  const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(name) : null;
  channel?.addEventListener('message', ({ data }) => hear(data.kind, data.what));
  const tell = (/** @type {string} */ kind, /** @type {any} */ what) => {
    hear(kind, what);
    channel?.postMessage({ kind, what });
  };
  if (channel && navigator.locks) navigator.locks.request(name, () => stream(tell));
  else stream(tell);
}

/** @param {(kind: string, what: any) => void} tell @returns {Promise<never>} */
function stream(tell) {
  const source = new EventSource(below('/api/events'));
  let lost = false;
  source.addEventListener('open', () => {
    if (lost) tell('again', null);
    lost = false;
    tell('link', true);
  });
  source.addEventListener('error', () => {
    lost = true;
    tell('link', false);
  });
  for (const kind of ['run', 'sweep', 'store']) {
    source.addEventListener(kind, (event) => tell(kind, JSON.parse(/** @type {MessageEvent} */ (event).data)));
  }
  return new Promise(() => {});
}

/** @param {string} kind @param {any} what */
function hear(kind, what) {
  for (const handlers of [...everyone]) /** @type {any} */ (handlers)[kind]?.(what);
}
