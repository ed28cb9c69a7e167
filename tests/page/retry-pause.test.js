/** How long uploads pause after a failure. */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.window = new EventTarget();
globalThis.document = Object.assign(new EventTarget(), { hidden: false });
const { RetryPause } = await import("../../frontend/upload/pause.js");

function secondsOf(pause, ordered) {
  pause.begin("No connection.", ordered);
  const seconds = pause.secondsLeft;
  pause.end();
  return seconds;
}

test("pauses grow up to 30 s, differ each time, and are short again after a success", (t) => {
  t.mock.method(Date, "now", () => 1_000_000); // no time passes on a busy machine
  const pause = new RetryPause();
  const pauses = Array.from({ length: 9 }, () => secondsOf(pause));
  for (const [number, seconds] of pauses.entries()) {
    const growing = Math.min(0.5 * 2 ** number, 30);
    assert.ok(growing * 0.49 < seconds && seconds <= growing, `${number}: ${seconds} s`);
  }
  assert.equal(new Set(pauses).size, pauses.length);
  pause.succeed();
  assert.ok(secondsOf(pause) <= 0.5);
});

test("a pause that the server asks for is never longer than an hour, and not cut short", async () => {
  const pause = new RetryPause();
  pause.begin("Busy.", 3_000_000); // more than a timer can count
  await new Promise((resolve) => setTimeout(resolve, 50));
  globalThis.window.dispatchEvent(new Event("online"));
  assert.ok(pause.isOn);
  assert.ok(pause.secondsLeft > 3_500 && pause.secondsLeft <= 3_600);
  pause.end();
});
