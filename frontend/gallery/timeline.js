/** The timeline: where headings divide the photos, by parts of the day, days or months; and the time of
 * a photo in words. */

import {
  formatHour,
  formatLocalDate,
  formatLocalDay,
  formatMonth,
  formatShortDay,
  formatWeekdayHour,
} from "../page/format.js";

const HOUR = 3600; // seconds, as all times here
const DAY = 24 * HOUR;
const DAY_BEGINS = 5 * HOUR; // a party that goes on past midnight belongs to the day before
/** @type {[number, string][]} parts of the day, and the hours after midnight at which they begin */
const PARTS = [
  [5, "Morning"],
  [12, "Afternoon"],
  [17, "Evening"],
  [22, "Night"],
  [29, ""], // the next morning
];
const FEWEST = 20; // photos that get headings at all
const SPARSE = 6; // photos a day, on average: with fewer, there is a heading a month
const SHORT = 3 * DAY; // a gallery of less time than that is told by weekday and hour

/**
 * @typedef {object} Section photos below the same heading
 * @property {number} start index of the first
 * @property {() => string} label of the heading
 * @property {() => string} short the same with less room
 */

/**
 * Divides the photos of the gallery; into nothing where headings would say nothing.
 * @param {import("./gallery.js").Gallery} gallery
 * @returns {Section[]}
 */
export function divide(gallery) {
  const { items, selection } = gallery;
  if (items.length < FEWEST) return [];
  const [first, last] = gallery.ends.map((moment) => wallTime(moment, selection.sort));
  let unitAt = dayAt(first).from === dayAt(last).from ? partAt : dayAt;
  let sections = divideBy(unitAt, items, selection);
  if (unitAt === dayAt && sections.length > items.length / SPARSE) {
    unitAt = monthAt;
    sections = divideBy(unitAt, items, selection);
  }
  return unitAt(first).from === unitAt(last).from ? [] : sections;
}

/** Photos that came in another order than their times stay with their neighbours. */
function divideBy(unitAt, items, { sort, order }) {
  const sections = [];
  let [from, until] = [Infinity, -Infinity]; // moments
  items.forEach(({ moment }, start) => {
    if (order === "oldest" ? moment < until : moment >= from) return;
    const wall = wallTime(moment, sort);
    const { label, short = label, ...unit } = unitAt(wall);
    [from, until] = [unit.from - wall + moment, unit.until - wall + moment];
    sections.push({ start, label, short });
  });
  return sections;
}

/**
 * When an item is from: the hour where the gallery covers less than three days, else the day.
 * @param {import("./gallery.js").Gallery} gallery
 * @param {import("./places.js").Item} item
 */
export function timeInWords(gallery, { moment }) {
  const { sort } = gallery.selection;
  const wall = wallTime(moment, sort);
  const [first, last] = gallery.ends.map((end) => wallTime(end, sort));
  if (Math.abs(first - last) >= SHORT) return formatLocalDate((wall - DAY_BEGINS) * 1000);
  const isOneDay = dayAt(first).from === dayAt(last).from;
  return (isOneDay ? formatHour : formatWeekdayHour)(wall * 1000);
}

/** What clocks showed: where the photo was taken, or where the visitor is. Read as if it were UTC. */
function wallTime(moment, sort) {
  return sort === "taken" ? moment : moment - new Date(moment * 1000).getTimezoneOffset() * 60;
}

function dayAt(wall) {
  const from = Math.floor((wall - DAY_BEGINS) / DAY) * DAY + DAY_BEGINS;
  const [label, short] = [formatLocalDay, formatShortDay].map(
    (format) => () => format(from * 1000),
  );
  return { from, until: from + DAY, label, short };
}

function partAt(wall) {
  const midnight = dayAt(wall).from - DAY_BEGINS;
  const next = PARTS.findIndex(([hour]) => wall < midnight + hour * HOUR);
  const [[begin, name], [end]] = [PARTS[next - 1], PARTS[next]];
  return { from: midnight + begin * HOUR, until: midnight + end * HOUR, label: () => name };
}

function monthAt(wall) {
  const day = new Date((wall - DAY_BEGINS) * 1000);
  const [from, until] = [0, 1].map(
    (later) => Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + later) / 1000 + DAY_BEGINS,
  );
  return { from, until, label: () => formatMonth(from * 1000) };
}
