/** What a request that has failed says, whatever becomes of its answer on the way. */

import assert from "node:assert/strict";
import { test } from "node:test";

const { fetchSettings, Refused, Unreachable } = await import("../../frontend/page/api.js");

function answer(t, body) {
  const options = { status: 403, headers: { "Dropwall-Refusal": "not-yours" } };
  t.mock.method(globalThis, "fetch", async () => new Response(body, options));
}

test("a refusal says the server's sentence", async (t) => {
  answer(t, "It is not yours.");
  await assert.rejects(fetchSettings(), (error) => {
    assert.ok(error instanceof Refused);
    assert.deepEqual([error.message, error.code], ["It is not yours.", "not-yours"]);
    return true;
  });
});

test("a refusal whose sentence is cut off counts as no answer", async (t) => {
  answer(t, new ReadableStream({ start: (stream) => stream.error(new TypeError("cut")) }));
  await assert.rejects(fetchSettings(), Unreachable);
});
