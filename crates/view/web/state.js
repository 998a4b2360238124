// @ts-check
// Where the reader is: the page, its ids and the state of its view all stand in the hash, so that a copied address restores the view.

/** @typedef {{page: string, ids: string[], params: Record<string, string>}} Route */

/** Reads a hash such as `#/run/ID/errors?set=test`. @param {string} hash @returns {Route} */
export function parseHash(hash) {
  const [path, query = ''] = split(hash.replace(/^#/, ''), '?');
  const parts = path.split('/').filter(Boolean).map(decode);
  const params = Object.fromEntries(new URLSearchParams(query));
  const [first, ...ids] = parts;
  if (!first) return { page: 'project', ids: [], params };
  if (first === 'run' && ids.length === 2 && ids[1] === 'errors') return { page: 'errors', ids: [ids[0]], params };
  if (first === 'run' && ids.length === 1) return { page: 'run', ids, params };
  if (first === 'sweep' && ids.length === 1) return { page: 'sweep', ids, params };
  if (first === 'compare' && (ids.length === 0 || ids.length === 2)) return { page: 'compare', ids, params };
  if (first === 'data' && ids.length <= 1) return { page: 'data', ids, params };
  return { page: 'missing', ids: parts, params };
}

/** The hash with one parameter of the view set, or taken away by `null`. @param {string} hash @param {string} name @param {string | null} value */
export function withParam(hash, name, value) {
  const [path, query = ''] = split(hash.replace(/^#/, '') || '/', '?');
  const params = new URLSearchParams(query);
  if (value === null || value === '') params.delete(name);
  else params.set(name, value);
  const text = params.toString();
  return `#${path}${text ? `?${text}` : ''}`;
}

/** The address of a page: `href('run', id, 'errors')`. @param {...string} parts */
export function href(...parts) {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

/** The route that the address shows. @returns {Route} */
export function route() {
  return parseHash(location.hash);
}

/** Goes to an address such as `#/run/ID`. @param {string} address */
export function go(address) {
  location.hash = address;
}

/** Writes a parameter of the view into the address, without a reload or a step in the history. @param {string} name @param {string | null} value */
export function setParam(name, value) {
  const hash = withParam(location.hash, name, value);
  if (hash !== location.hash) history.replaceState(history.state, '', hash);
}

/** Calls `listener` each time that the reader goes elsewhere. @param {(route: Route) => void} listener */
export function onRoute(listener) {
  addEventListener('hashchange', () => listener(route()));
}

/** @param {string} text @param {string} at @returns {string[]} */
function split(text, at) {
  const i = text.indexOf(at);
  return i < 0 ? [text] : [text.slice(0, i), text.slice(i + 1)];
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
