/** Where each photo of a wall goes: rows of even width, without holes, that stay where they are. */

const NARROWEST = 0.5;
const WIDEST = 2.6;
const TALLEST_LAST_ROW = 1.3; // times the row height; a last row with less in it keeps that height

/** Width to height of a tile: the photo's own, unless a panorama or a tower would take the row. */
export function tileRatio({ ratio }) {
  return Math.min(WIDEST, Math.max(NARROWEST, ratio));
}

/**
 * Lays photos out in rows. Rows are filled downwards from the anchor and upwards from it, so that
 * neither older photos below nor newer photos above move what lies between; only the first two
 * rows are shared out anew while photos arrive.
 * @param {number[]} ratios width to height of each tile
 * @param {{width: number, gap: number, rowHeight: number, anchor: number}} wall lengths in px
 * @returns {{boxes: {left: number, top: number, width: number, height: number}[], height: number}}
 */
export function justify(ratios, wall) {
  const boxes = [];
  let top = 0;
  for (const length of rowLengths(ratios, wall)) {
    const row = ratios.slice(boxes.length, boxes.length + length);
    const isLast = boxes.length + length === ratios.length;
    const height = rowHeight(row, wall, isLast);
    let left = 0;
    for (const ratio of row) {
      boxes.push({ left, top, width: ratio * height, height });
      left += ratio * height + wall.gap;
    }
    top += height + wall.gap;
  }
  return { boxes, height: Math.max(0, top - wall.gap) };
}

function rowHeight(row, wall, isLast) {
  const fitting = (wall.width - wall.gap * (row.length - 1)) / sum(row);
  const isSparse = isLast && fitting > wall.rowHeight * TALLEST_LAST_ROW;
  return isSparse ? wall.rowHeight : fitting;
}

function rowLengths(ratios, wall) {
  const fill = wall.width / wall.rowHeight;
  const newer = fillRows(ratios.slice(0, wall.anchor).reverse(), fill);
  const older = fillRows(ratios.slice(wall.anchor), fill);
  const rows = [...newer.full.reverse(), ...older.full, ...older.rest];
  if (newer.rest.length === 0) return rows;
  const first = newer.rest[0] + (rows.shift() ?? 0);
  const head = ratios.slice(0, first);
  if (rows.length > 0) return [...share(head, fill), ...rows];
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
function share(ratios, fill) {
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
