// @ts-check
// Work that can wait.

/** `act`, done once, `ms` after the first of the calls that asked for it: no call waits longer. @param {() => void} act @param {number} ms */
export function soon(act, ms) {
  let timer = 0;
  return () => {
    timer ||= window.setTimeout(() => {
      timer = 0;
      act();
    }, ms);
  };
}

/** `act`, done once, when nobody has asked for it for `ms`. @template {any[]} A @param {(...given: A) => void} act @param {number} ms */
export function settled(act, ms) {
  let timer = 0;
  return (/** @type {A} */ ...given) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => act(...given), ms);
  };
}
