/** What is said when something asked of the server was not done. */

import { Unreachable } from "./api.js";

/** Why the server could not be asked, or would not; undefined when all is well. */
export async function errorOf(answer) {
  try {
    await answer;
    return undefined;
  } catch (error) {
    if (error instanceof Unreachable) return error;
    throw error;
  }
}

export function sentenceOf(error, trouble) {
  return error.isRefusal ? error.message : `${trouble}; please try again.`;
}
