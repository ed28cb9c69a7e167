/** Which photo is sent next, and what is done when one fails. */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.navigator ??= { languages: ["en"] }; // which newer versions of Node have
globalThis.window = new EventTarget();
globalThis.document = Object.assign(new EventTarget(), { hidden: false });
const { UploadQueue } = await import("../../frontend/upload/queue.js");
const { Failure } = await import("../../frontend/upload/refusals.js");

const SETTINGS = { chunk_bytes: 1_000_000, max_upload_bytes: 10_000_000, extensions: ["jpg"] };
const seconds = (count) => new Promise((resolve) => setTimeout(resolve, count * 1000));

function photo(number) {
  return new File(["\xff\xd8\xff", `${number}`], `${number}.jpg`);
}

/** Sends nothing by itself: the test ends each delivery. */
class PlayedUploader {
  underWay = []; // deliveries, with `end`
  #ids = 0;

  newId() {
    this.#ids += 1;
    return `upload-${this.#ids}`;
  }

  send(delivery, signal) {
    return new Promise((resolve, reject) => {
      const end = (error) => {
        this.underWay = this.underWay.filter((other) => other.file !== delivery.file);
        if (error) reject(error);
        else resolve();
      };
      signal.addEventListener("abort", () => end(signal.reason));
      this.underWay.push({ ...delivery, end });
    });
  }
}

function open() {
  const uploader = new PlayedUploader();
  return { uploader, queue: new UploadQueue(SETTINGS, uploader, null) };
}

test("three are on their way at once, and a cancelled one makes room for the next", async () => {
  const { uploader, queue } = open();
  const underWay = () => uploader.underWay.map(({ name }) => name);
  for (const number of [1, 2, 3, 4, 5]) queue.add(photo(number), "everyone");
  await seconds(0.05);
  assert.deepEqual(underWay(), ["1.jpg", "2.jpg", "3.jpg"]);
  queue.remove(queue.uploads[1]);
  await seconds(0.05);
  assert.deepEqual(underWay(), ["1.jpg", "3.jpg", "4.jpg"]);
  queue.remove(queue.uploads.at(-1)); // one that waits
  uploader.underWay[0].end();
  await seconds(0.05);
  assert.deepEqual(underWay(), ["3.jpg", "4.jpg"]);
  assert.deepEqual(
    queue.uploads.map(({ state }) => state),
    ["safe", "waiting", "waiting"],
  );
});

test("one photo that fails twelve times while others arrive is put aside, and only that", async () => {
  const { uploader, queue } = open();
  queue.add(photo(0), "everyone");
  for (let number = 1; queue.uploads[0].state !== "failed"; number += 1) {
    assert.ok(number < 13);
    queue.add(photo(number), "everyone");
    await seconds(0.02);
    const [bad, good] = [...uploader.underWay].sort((a, b) =>
      a.file.name.localeCompare(b.file.name),
    );
    good.onArrival();
    good.end();
    await seconds(0.01);
    bad.end(new Failure("No connection."));
    await seconds(0.01);
    queue.pause.end();
  }
  const [bad, ...others] = queue.uploads;
  assert.deepEqual([bad.reason, bad.canRetry, bad.strikes], ["No connection.", true, 12]);
  assert.deepEqual(new Set(others.map(({ state }) => state)), new Set(["safe"]));
});

test("of a gallery that closes, what waits is refused unsent, and what has begun goes on", async () => {
  const { uploader, queue } = open();
  for (const number of [1, 2, 3, 4, 5]) queue.add(photo(number), "everyone");
  await seconds(0.05);
  queue.closed = "Photos were collected until Sunday evening.";
  uploader.underWay[0].end();
  uploader.underWay[0].end(Object.assign(new Failure("No connection."), { canRetry: true }));
  await seconds(0.05);
  queue.pause.end();
  await seconds(0.05);
  const outcomes = () => queue.uploads.map(({ state, canRetry }) => `${state} ${canRetry}`);
  assert.deepEqual(
    new Set(uploader.underWay.map(({ name }) => name)),
    new Set(["2.jpg", "3.jpg"]), // which the server may know already
  );
  assert.deepEqual(outcomes().slice(3), ["failed true", "failed true"]);
  assert.equal(queue.uploads[4].reason, queue.closed);
  queue.closed = "";
  queue.retryAll();
  await seconds(0.05);
  assert.ok(uploader.underWay.some(({ name }) => name === "4.jpg"));
});

/** Milliseconds of the processor for so many photos, with progress of each. */
async function costOf(count) {
  const { uploader, queue } = open();
  const read = async () => new ArrayBuffer(4);
  const begun = process.cpuUsage();
  let wouldLose = true;
  queue.addEventListener("upload-changed", () => (wouldLose &&= queue.isBusy && queue.wouldLose));
  for (let number = 0; number < count; number += 1) {
    queue.add({ name: `${number}.jpg`, size: 4, slice: () => ({ arrayBuffer: read }) }, "everyone");
  }
  for (let ended = 0; ended < count - 1;) {
    await new Promise((resolve) => setImmediate(resolve));
    for (const delivery of uploader.underWay.slice(0, count - 1 - ended)) {
      delivery.onProgress(1, false);
      delivery.end();
      ended += 1;
    }
  }
  assert.ok(wouldLose);
  return process.cpuUsage(begun).user / 1000;
}

test("the work for a photo does not grow with the number of photos", async () => {
  await costOf(1_000); // compiles
  const [few, many] = [await costOf(1_000), await costOf(16_000)];
  assert.ok(many < 40 * few, `${few} ms, ${many} ms`);
});
