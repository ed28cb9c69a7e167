/** Numbers, sizes and dates in words. Intl's own short units read "812 kB" and "8 sec". */

// The page is written in English; the visitor's own kind of English decides how dates look.
const locale = navigator.languages.find((language) => language.startsWith("en")) ?? "en";

const numbers = new Intl.NumberFormat(locale);
const wholes = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(locale, { style: "percent" });
const plurals = new Intl.PluralRules(locale);
const [, localDates] = timeFormats({ dateStyle: "medium" });
/** @type {Intl.DateTimeFormatOptions} */
const weekday = { weekday: "short", day: "numeric", month: "long" };
const weekdays = timeFormats(weekday);
const yearDays = timeFormats({ ...weekday, year: "numeric" });
const days = timeFormats({ dateStyle: "long" });
const hours = timeFormats({ timeStyle: "short" });
/** @type {Intl.DateTimeFormatOptions} */
const fullDay = { weekday: "long", day: "numeric", month: "long" };
const [, fullDays] = timeFormats(fullDay);
const [, fullYearDays] = timeFormats({ ...fullDay, year: "numeric" });
const [, shortDays] = timeFormats({ weekday: "short", day: "numeric", month: "short" });
const [, months] = timeFormats({ month: "long", year: "numeric" });
const [, weekdayHours] = timeFormats({ weekday: "short", hour: "numeric", minute: "2-digit" });
const KILOBYTE = 1024; // as the server counts, and as phones and Windows show it

/** `1 photo`, `2,048 photos` */
export function formatCount(count, one, many = `${one}s`) {
  return `${numbers.format(count)} ${plurals.select(count) === "one" ? one : many}`;
}

/** `2,048` */
export const formatNumber = (number) => numbers.format(number);

/** `43%`, of a fraction between 0 and 1; never 100% before it is. */
export const formatPercent = (fraction) => percents.format(Math.floor(fraction * 100) / 100);

/** `812 KB`, `3.4 MB`, `1 TB` */
export function formatBytes(bytes) {
  if (bytes < KILOBYTE) return formatCount(bytes, "byte");
  const power = Math.min(4, Math.floor(Math.log(bytes) / Math.log(KILOBYTE)));
  const amount = bytes / KILOBYTE ** power;
  const format = power > 1 && amount < 10 ? tenths : wholes;
  return `${format.format(amount)}\u00a0${["", "KB", "MB", "GB", "TB"][power]}`;
}

// Of a local time that is read as UTC, in milliseconds since 1970:

/** `12 Mar 2026` */
export const formatLocalDate = (time) => localDates.format(time);

/** `Thursday 12 March`, with the year if it is another one. */
export function formatLocalDay(time) {
  const isThisYear = new Date(time).getUTCFullYear() === new Date().getFullYear();
  return (isThisYear ? fullDays : fullYearDays).format(time);
}

/** `Thu 12 Mar` */
export const formatShortDay = (time) => shortDays.format(time);

/** `March 2026` */
export const formatMonth = (time) => months.format(time);

/** `15:42` */
export const formatHour = (time) => hours[1].format(time);

/** `Thu 15:42` */
export const formatWeekdayHour = (time) => weekdayHours.format(time);

/**
 * `Sat 20 June, 15:42`, with the year if it is another one: the local time where the photo was taken,
 * the same for everybody; without a time of its own, the moment at which it was added.
 */
export function formatWhen({ taken, uploaded }) {
  const { time, zone } = timeOf(taken ?? uploaded);
  const isThisYear = time.getFullYear() === new Date().getFullYear();
  const day = (isThisYear ? weekdays : yearDays)[zone];
  return `${day.format(time)}, ${hours[zone].format(time)}`;
}

/**
 * `Photo by Ann, 12 March 2026, 15:42`: what a photo is called, for those who don't see it; without
 * a time of its own, the day on which it was added.
 */
export function photoName({ by, taken, uploaded }) {
  const photo = by.name ? `Photo by ${by.name}` : "Photo";
  const { time, zone } = timeOf(taken ?? uploaded);
  const day = days[zone].format(time);
  return taken ? `${photo}, ${day}, ${hours[zone].format(time)}` : `${photo}, ${day}`;
}

/** A moment in UTC, or a local time that is read as UTC, and the place of its format in `timeFormats`.
 * Photos of older galleries were taken at a moment. */
function timeOf(text) {
  const isMoment = text.endsWith("Z");
  return { time: new Date(isMoment ? text : `${text}Z`), zone: isMoment ? 0 : 1 };
}

/**
 * Two formats: for a moment, in the visitor's time zone; and for a local time that is read as UTC.
 * @param {Intl.DateTimeFormatOptions} options
 */
function timeFormats(options) {
  return [{}, { timeZone: "UTC" }].map(
    (zone) => new Intl.DateTimeFormat(locale, { ...options, ...zone }),
  );
}
