/** Which new photos the page shows while something is searched for: those the server would find. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { matches } from "../../frontend/gallery/selection.js";

const ALL = { by: "", only: "" };

test("a new photo is shown that a search would find, however its name is typed", () => {
  const alike = [
    ["Gülay", "gulay", "GÜLAY", "gu\u0308lay"],
    ["İSTANBUL", "istanbul", "\u0131stanbul"],
    ["Straße", "STRASSE", "strasse"],
    ["ΟΔΥΣΣΕΥΣ", "οδυσσευς", "οδυσσεύς"],
    ["Алёна", "алена"],
    ["مُحَمَّد", "محمد"],
    ["علی‌رضا", "عليرضا"],
    ["Łódź Øre Đặng", "lodz ore dang"],
    ["\uff26\uff55\uff4c\uff4c", "full"],
    ["O\u2019Brien", "o'brien"],
  ];
  for (const names of alike) {
    for (const name of names) {
      for (const words of names) {
        const isFound = [
          { name, by: { name: null } },
          { name: "1.jpg", by: { name } },
        ].every((photo) => matches(photo, { ...ALL, words }));
        assert.ok(isFound, `${name} by ${words}`);
      }
    }
  }
  assert.ok(!matches({ name: "Gulay", by: {} }, { ...ALL, words: "galay" }));
});
