/** What browsers of some age can do, by MDN's compatibility data. As a program it prints a script that
 * takes away from a newer browser what this one lacks: `node tests/tools/compat.js firefox 117` */

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { api, css: styles, javascript } = require("@mdn/browser-compat-data");
export const css = styles;
export const { browserslist } = require("../../package.json");

const BROWSERS = { ios_saf: "safari_ios", samsung: "samsunginternet_android" };

/** @returns {(feature?: object) => string} the first of these browsers without it; "" if all have it */
export function findBrowserWithout(browsers = browserslist) {
  const versions = browsers.map((browser) => browser.split(" "));
  return ({ __compat: { support } = {} } = {}) => {
    if (!support) return "";
    const old = versions.find(([name, version]) => {
      const statements = [support[BROWSERS[name] ?? name]].flat();
      return !statements.some((statement) => isSupported(statement, Number(version)));
    });
    return old?.join(" ") ?? "";
  };
}

/** Partial support counts, such as Chrome 112's for nesting. */
export function isSupported(statement, version) {
  const { version_added: added, version_removed: removed, prefix, flags } = statement ?? {};
  if (!added || added === "preview" || prefix || flags || statement.alternative_name) return false;
  return parseFloat(added.replace("≤", "")) <= version && !(parseFloat(removed) <= version);
}

/** Classes and other objects, each with the features of its members. */
export const owners = { ...api, ...javascript.builtins, ...javascript.builtins.Intl };

const program = process.argv[1] ?? "";
if (import.meta.url.endsWith(program.slice(program.lastIndexOf("/")))) {
  const findWithout = findBrowserWithout([process.argv.slice(2).join(" ")]);
  const lacking = [];
  for (const [owner, features] of Object.entries(owners)) {
    if (findWithout(features)) lacking.push([owner]);
    else
      for (const [name, feature] of Object.entries(features))
        if (findWithout(feature)) lacking.push([owner, name]);
  }
  console.log(`for (const [owner, key] of ${JSON.stringify(lacking)}) {
    const whole = globalThis[owner];
    if (!key) delete globalThis[owner];
    else if (key.endsWith("_static")) delete whole?.[key.slice(0, -"_static".length)];
    else if (whole?.prototype && Object.hasOwn(whole.prototype, key)) delete whole.prototype[key];
    else if (whole) delete whole[key];
  }`);
}
