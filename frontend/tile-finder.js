/** Finds tiles on a wall by place: what lies at a height, and where an arrow key leads. */

/**
 * Index of the first tile that reaches below `y` px; the number of tiles when none does.
 * @param {{top: number, height: number}[]} boxes as laid out by justify.js: tops never fall
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
