/** Which photo the slideshow shows next; chance repeats itself here. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { SlideOrder } from "../../frontend/slideshow/order.js";

/** An order, and the photos of its next turns, each of which is shown. */
function play(ids, arrived) {
  let seed = 1;
  let current = null;
  const order = new SlideOrder(() => (seed = (seed * 16807) % 2147483647) / 2147483647);
  order.update(ids, arrived);
  const turn = () => {
    current = order.next(current);
    order.show(current);
    return current;
  };
  return { order, turns: (count) => Array.from({ length: count }, turn) };
}

test("every round shows each photo once and never begins with the last photo", () => {
  const ids = ["0", "1", "2", "3", "4", "5", "6"];
  const shown = play(ids).turns(700);
  const rounds = Array.from({ length: 100 }, (_, n) => shown.slice(7 * n, 7 * n + 7));
  for (const round of rounds) assert.deepEqual([...round].sort(), ids);
  assert.ok(shown.every((id, n) => id !== shown[n - 1]));
  assert.ok(new Set(rounds.map(String)).size > 90);
});

test("new photos come next and count as shown, older ones that are known later wait", () => {
  const { order, turns } = play(["a", "b"]);
  const [first] = turns(1);
  order.update(["e", "d", "a", "b", "c"], new Set(["d", "e"]));
  assert.equal(order.hasNews, true);
  assert.deepEqual(turns(2), ["d", "e"]);
  assert.equal(order.hasNews, false);
  assert.deepEqual([first, ...turns(2)].sort(), ["a", "b", "c"]);
});

test("a removed photo is not shown even when it was next, and is new when it comes back", () => {
  const { order, turns } = play(["c", "b", "a"], ["a", "b", "c"]);
  order.update(["c", "a"]);
  assert.equal(order.has("b"), false);
  assert.deepEqual(turns(4), ["a", "c", "a", "c"]);
  order.update(["a", "b", "c"], ["b"]);
  assert.equal(order.isNews("b"), true);
  assert.deepEqual(turns(1), ["b"]);
});

test("a photo that fails to load is tried once a round", () => {
  const { order } = play(["a", "b", "c"]);
  let current = null;
  for (let round = 0; round < 4; round += 1) {
    const tried = Array.from({ length: 3 }, () => {
      const id = order.next(current);
      if (id === "b") order.skip(id);
      else order.show((current = id));
      return id;
    });
    assert.deepEqual(tried.sort(), ["a", "b", "c"]);
  }
});

test("a new photo that fails to load is tried three times", () => {
  const { order } = play(["a", "b", "c"], ["b", "c"]);
  const tried = Array.from({ length: 6 }, () => {
    const id = order.next("a");
    order.skip(id);
    return id;
  });
  assert.deepEqual(tried, ["b", "c", "b", "c", "b", "c"]);
  assert.equal(order.hasNews, false);
});

test("forgotten news still has its turn", () => {
  const { order, turns } = play(["a", "b"], ["a", "b"]);
  order.forgetNews();
  assert.equal(order.hasNews, false);
  assert.deepEqual(turns(2).sort(), ["a", "b"]);
});
