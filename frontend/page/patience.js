/** What to do when a request fails: ask again, each time later; go on without it; or say why. */

import { Refused, RequestError, Unreachable } from "./api.js";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * How long to wait before the next try: exponential backoff with jitter. The pause doubles with each
 * failure up to a limit, and is cut by up to a half at random, so that the pages that lost a server
 * at the same moment do not all return at the same moment.
 * @param {number} failures in a row before this one; 0 waits about `firstMs`
 * @param {number} firstMs
 * @param {number} longestMs
 */
export function backoffMs(failures, firstMs, longestMs) {
  return Math.min(firstMs * 2 ** failures, longestMs) * (0.5 + Math.random() / 2);
}

/**
 * Repeats a request until it is answered. A refusal is an answer: it is not repeated, but thrown.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {() => boolean} isWanted whether anybody still waits for the answer
 * @returns {Promise<T|undefined>} undefined when nobody does
 */
export async function askPatiently(ask, isWanted = () => true) {
  for (let failures = 0; isWanted(); failures += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
    }
    const ms = backoffMs(failures, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
  return undefined;
}

/**
 * The answer, or undefined when the request failed: for what the page can go on without.
 * @template T
 * @param {Promise<T>} answer
 * @returns {Promise<T|undefined>}
 */
export async function orUndefined(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RequestError) return undefined;
    throw error;
  }
}

/**
 * Why a request failed; undefined when it succeeded.
 * @param {Promise<unknown>} answer
 * @returns {Promise<RequestError|undefined>}
 */
export async function errorOf(answer) {
  try {
    await answer;
    return undefined;
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
}

/**
 * What to tell the visitor.
 * @param {RequestError} error
 * @param {string} failure such as "Couldn't save your name"
 */
export function sentenceOf(error, failure) {
  return error instanceof Refused ? error.message : `${failure}. Try again.`;
}
