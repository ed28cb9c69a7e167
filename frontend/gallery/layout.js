/** Where each photo of the grid goes: a justified layout, rows of even width without holes, in sections
 * below headings; and what lies where in it. */

const NARROWEST = 0.5;
const WIDEST = 2.6;
// Times the row height. A last row with less in it keeps that height, and leaves a hole.
const TALLEST_LAST_ROW = 1.3;
const TALLEST_ABOVE_HEADING = 1.5; // so that only sections of a photo or two leave one
const TALLEST_ALONE = 2.6; // of the only row there is: one photo fills a phone's width

/** @typedef {{left: number, top: number, width: number, height: number}} Box px within the grid */

/** Width to height of a tile: the photo's own, unless a panorama or a tower would fill the row. */
export function tileRatio({ ratio }) {
  return Math.min(WIDEST, Math.max(NARROWEST, ratio));
}

/**
 * Lays photos out in rows. Rows are filled downwards from the anchor and upwards from it, so that
 * neither older photos below nor newer photos above move what lies between; only the first two
 * rows of a section are divided anew while photos arrive.
 * @param {number[]} ratios width to height of each tile
 * @param {object} grid lengths in px
 * @param {number} grid.width
 * @param {number} grid.gap
 * @param {number} grid.rowHeight
 * @param {number} grid.anchor index of the photo that stays where it is
 * @param {{start: number, room: number}[]} grid.sections index of the first photo of each, and the
 *   room for a heading above it
 * @returns {{boxes: Box[], height: number}}
 */
export function justify(ratios, { width, gap, rowHeight, anchor, sections }) {
  const boxes = [];
  let top = 0;
  sections.forEach(({ start, room }, number) => {
    const end = sections[number + 1]?.start ?? ratios.length;
    const from = Math.min(Math.max(anchor - start, 0), end - start);
    const isWhole = end < ratios.length;
    top += room;
    for (const length of rowLengths(ratios.slice(start, end), width / rowHeight, from, isWhole)) {
      const row = ratios.slice(boxes.length, boxes.length + length);
      const isLast = boxes.length + length === end;
      const fitting = (width - gap * (row.length - 1)) / sum(row);
      const tallest = isWhole ? TALLEST_ABOVE_HEADING : TALLEST_LAST_ROW;
      const isSparse = isLast && fitting > rowHeight * tallest;
      const most = rowHeight * (row.length === ratios.length ? TALLEST_ALONE : 1);
      const height = isSparse ? Math.min(fitting, most) : fitting;
      let left = 0;
      for (const ratio of row) {
        boxes.push({ left, top, width: ratio * height, height });
        left += ratio * height + gap;
      }
      top += height + gap;
    }
  });
  return { boxes, height: Math.max(0, top - gap) };
}

/** @param {boolean} isWhole whether no photo will come at the end: then it has no hole either */
function rowLengths(ratios, fill, anchor, isWhole) {
  const newer = fillRows(ratios.slice(0, anchor).reverse(), fill);
  const older = fillRows(ratios.slice(anchor), fill);
  const rows = [...newer.full.reverse(), ...older.full, ...older.rest];
  if (isWhole && older.rest.length > 0 && older.full.length > 0) {
    const last = rows.pop() + rows.pop();
    rows.push(...oneOrTwoRows(ratios.slice(-last), fill));
  }
  if (newer.rest.length === 0) return rows;
  const first = newer.rest[0] + (rows.shift() ?? 0);
  const head = ratios.slice(0, first);
  if (rows.length > 0) return [...oneOrTwoRows(head, fill), ...rows];
  const { full, rest } = fillRows(head, fill);
  return [...full, ...rest];
}

/** Lengths of the rows that are full, and of the one that is not (none or one). */
function fillRows(ratios, fill) {
  const full = [];
  let length = 0;
  let filled = 0;
  const close = () => {
    full.push(length);
    length = 0;
    filled = 0;
  };
  for (const ratio of ratios) {
    const isFullerWithout = fill - filled < filled + ratio - fill;
    if (length > 0 && isFullerWithout) close();
    length += 1;
    filled += ratio;
    if (filled >= fill) close();
  }
  return { full, rest: length ? [length] : [] };
}

/** One row or two, whichever comes closer to the height that rows should have. */
function oneOrTwoRows(ratios, fill) {
  const misfit = (row) => Math.log(sum(row) / fill) ** 2;
  let best = { lengths: [ratios.length], misfit: misfit(ratios) };
  for (let length = 1; length < ratios.length; length += 1) {
    const both = (misfit(ratios.slice(0, length)) + misfit(ratios.slice(length))) / 2;
    if (both < best.misfit) best = { lengths: [length, ratios.length - length], misfit: both };
  }
  return best.lengths;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/**
 * Index of the first tile that reaches below `y` px; the number of tiles when none does.
 * @param {Box[]} boxes as laid out above: tops never decrease
 */
export function firstBelow(boxes, y) {
  let [low, high] = [0, boxes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (boxes[middle].top + boxes[middle].height > y) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Index of the tile that a key leads to from `index`; undefined when the key leads nowhere. */
export function neighbour(boxes, index, key) {
  const target = {
    ArrowLeft: () => index - 1,
    ArrowRight: () => index + 1,
    ArrowUp: () => nearestInNextRow(boxes, index, -1),
    ArrowDown: () => nearestInNextRow(boxes, index, 1),
    Home: () => 0,
    End: () => boxes.length - 1,
  }[key]?.();
  return target in boxes ? target : undefined;
}

function nearestInNextRow(boxes, index, step) {
  const from = boxes[index];
  const distance = (box) => Math.abs(box.left + box.width / 2 - from.left - from.width / 2);
  let candidate = index;
  while (boxes[candidate]?.top === from.top) candidate += step;
  const top = boxes[candidate]?.top;
  let nearest = candidate;
  for (; boxes[candidate]?.top === top && candidate in boxes; candidate += step) {
    if (distance(boxes[candidate]) < distance(boxes[nearest])) nearest = candidate;
  }
  return nearest;
}
