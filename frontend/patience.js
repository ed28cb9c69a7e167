/** What to do when the server cannot be asked: ask again, later each time, or go on without it. */

import { Unreachable } from "./api.js";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/**
 * @param {() => Promise<T>} ask rejects with Unreachable when it is worth another try
 * @param {() => boolean} isWanted whether anybody still waits for the answer
 * @returns {Promise<T|undefined>} undefined when nobody does
 * @template T
 */
export async function askPatiently(ask, isWanted = () => true) {
  for (let ms = FIRST_PAUSE_MS; isWanted(); ms = Math.min(2 * ms, LONGEST_PAUSE_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
  return undefined;
}

/** The answer, or undefined when the server could not be asked: the page goes on without it. */
export async function reached(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Unreachable) return undefined;
    throw error;
  }
}
