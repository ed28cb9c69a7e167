import js from "@eslint/js";
import globals from "globals";

import { browserslist } from "./tests/tools/compat.js";
import { eslintPlugin } from "./tests/tools/floor.js";

const ROOMS = ["upload", "gallery", "lightbox", "slideshow", "people", "host", "forms"];

/** Imports go app → rooms → page: only app.js knows several rooms, `page` knows none. */
const rule = (allowed, message) => ({
  "no-restricted-imports": [
    "error",
    { patterns: [{ regex: `^(?!${allowed}[a-z-]+\\.js$)`, message }] },
  ],
  "no-restricted-syntax": [
    "error",
    { selector: "ImportExpression", message: "Only app.js imports later, by import()." },
  ],
});
const imports = [
  {
    files: ROOMS.map((room) => `frontend/${room}/**/*.js`),
    rules: rule(
      "(\\.|\\.\\./page)/",
      "A room imports its own files and page/; app.js joins rooms.",
    ),
  },
  { files: ["frontend/page/**/*.js"], rules: rule("\\./", "page/ imports nothing from above it.") },
];

const rules = {
  ...js.configs.recommended.rules,
  eqeqeq: "error",
  "no-shadow": "error",
  "no-var": "error",
  "prefer-const": "error",
};

// Asked for before they are used.
const asked = ["canShare", "hidePopover", "isActive", "newState", "share", "userActivation", "wakeLock"];
// Names that are ours, a library's or CSS's, and of something else in newer browsers.
const ours = ["address", "animated", "bytes", "changed", "drop", "element", "queue", "take", "to"];
const allow = [...asked, ...ours, "maxBlockSize", "maxInlineSize"];
const televisions = ["chrome 94"]; // those of 2023, for the slideshow

export default [
  {
    files: ["frontend/**/*.js"],
    // The syntax of ES2022 is whole in every browser of the floor.
    languageOptions: { ecmaVersion: 2022, globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { dropwall: eslintPlugin },
    rules: {
      ...rules,
      "dropwall/floor": ["error", { allow }],
      // A component is a function with its steps in it.
      "max-lines-per-function": ["error", { max: 80, skipComments: true, skipBlankLines: true }],
    },
  },
  {
    files: ["frontend/television.js", "frontend/{gallery,page,slideshow}/**/*.js"],
    rules: { "dropwall/floor": ["error", { allow, browsers: [...browserslist, ...televisions] }] },
  },
  {
    files: ["frontend/page/floor.js"],
    languageOptions: { ecmaVersion: 5, sourceType: "script" },
    rules: { "no-var": "off" },
  },
  ...imports,
  { files: ["tests/**/*.js"], languageOptions: { globals: globals.node }, rules },
];
