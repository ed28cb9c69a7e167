/** Numbers, sizes, dates and durations in words. */

// The page is written in English; the visitor's own kind of it decides how dates look.
const locale = navigator.languages.find((language) => language.startsWith("en")) ?? "en";

const numbers = new Intl.NumberFormat(locale);
const roundings = [0, 1].map(
  (digits) => new Intl.NumberFormat(locale, { maximumFractionDigits: digits }),
);
const pluralRules = new Intl.PluralRules(locale);
const dates = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const UTC = { timeZone: "UTC" };
const wallDates = new Intl.DateTimeFormat(locale, { dateStyle: "medium", ...UTC });
const minutes = { dateStyle: "medium", timeStyle: "short" };
const times = new Intl.DateTimeFormat(locale, minutes);
const wallTimes = new Intl.DateTimeFormat(locale, { ...minutes, ...UTC });
const percents = new Intl.NumberFormat(locale, { style: "percent" });
const KILOBYTE = 1024; // as the server counts, and as phones and Windows show it

/** `1 photo`, `2,048 photos` */
export function formatCount(count, one, many = `${one}s`) {
  return `${numbers.format(count)} ${pluralRules.select(count) === "one" ? one : many}`;
}

/** `2,048` */
export function formatNumber(number) {
  return numbers.format(number);
}

/** `43%`, of a fraction between 0 and 1; never 100% before it is. */
export function formatPercent(fraction) {
  return percents.format(Math.floor(fraction * 100) / 100);
}

/** `812 KB`, `3.4 MB`, `1 TB` */
export function formatBytes(bytes) {
  if (bytes < KILOBYTE) return formatCount(bytes, "byte");
  const power = Math.min(4, Math.floor(Math.log(bytes) / Math.log(KILOBYTE)));
  const amount = bytes / KILOBYTE ** power;
  const digits = power > 1 && amount < 10 ? 1 : 0;
  return `${roundings[digits].format(amount)} ${["", "KB", "MB", "GB", "TB"][power]}`;
}

/** `12 Mar 2026`, of ISO 8601 or milliseconds since 1970, where the visitor is */
export function formatDate(time) {
  return dates.format(new Date(time));
}

/** The same, of a time on the wall that is read as UTC. */
export function formatWallDate(time) {
  return wallDates.format(new Date(time));
}

/** `12 Mar 2026, 15:05`: the hours on the wall where a photo was taken, for everybody. Photos of
 * galleries older than that have a moment in UTC instead. */
export function formatTaken(taken) {
  return taken.endsWith("Z")
    ? times.format(new Date(taken))
    : wallTimes.format(new Date(`${taken}Z`));
}

/** `Next try in 8 s.` */
export function formatPause(seconds) {
  if (seconds < 1) return "Trying again…";
  if (seconds < 90) return `Next try in ${Math.round(seconds)} s.`;
  return `Next try in ${Math.round(seconds / 60)} min.`;
}

/** `about 20 s left`, rounded so that it does not twitch */
export function formatTimeLeft(seconds) {
  if (seconds < 5) return "a few seconds left";
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} s left`;
  if (seconds < 3600) return `about ${Math.ceil(seconds / 60)} min left`;
  return `about ${formatCount(Math.ceil(seconds / 3600), "hour")} left`;
}
