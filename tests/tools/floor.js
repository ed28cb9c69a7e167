/** Finds what the oldest supported browsers can't do, by MDN's compatibility data: a rule for ESLint
 * and one for stylelint. Both read `browserslist` in package.json, or their option `browsers`. What
 * is asked for before it is used, or only improves a page, is named in their option `allow`. */

import stylelint from "stylelint";

import { css, findBrowserWithout, isSupported, owners } from "./compat.js";

// JavaScript

const ENGINES = ["chrome", "firefox", "safari"];
const INSTANCES = { document: "Document", navigator: "Navigator", window: "Window" };
const ITERATORS = ["entries", "keys", "matchAll", "values"]; // methods

/** Features by the name of a member that every engine has by now: `union` → [that of Set]. What only
 * some have is too exotic to be meant by a name alone. */
const members = new Map();
for (const owner of Object.values(owners))
  for (const [key, feature] of Object.entries(owner)) {
    const support = feature.__compat?.support;
    const isCommon = ENGINES.every((engine) =>
      isSupported([support?.[engine]].flat()[0], Infinity),
    );
    const name = key.replace(/_static$/, "");
    if (isCommon) members.set(name, [...(members.get(name) ?? []), feature]);
  }

/** Types are unknown, so a member is reported when all that have one of this name are too new
 * (`union`), or when the code shows whose it is: a global's (`AbortSignal.any`), that of an iterator
 * just made, or of a variable that begins as `new URLSearchParams()`. */
export const eslintPlugin = {
  rules: {
    floor: {
      meta: { schema: [{ type: "object" }] },
      create(context) {
        const { browsers, allow = [] } = context.options[0] ?? {};
        const findWithout = findBrowserWithout(browsers);

        function report(node, browser) {
          if (browser && !allow.includes(node.name))
            context.report({ node, message: `${node.name} is not in ${browser}.` });
        }

        function ownerOf(object) {
          if (object.type === "NewExpression") return object.callee.name;
          if (object.type === "CallExpression") {
            const { property, object: whose } = object.callee;
            const isIterator = ITERATORS.includes(property?.name) && whose.name !== "Object";
            return isIterator ? "Iterator" : undefined;
          }
          for (let scope = context.sourceCode.getScope(object); scope; scope = scope.upper) {
            const [definition] = scope.set.get(object.name)?.defs ?? [];
            const { init } = definition?.node ?? {};
            if (definition) return init?.type === "NewExpression" ? init.callee.name : undefined;
          }
          return INSTANCES[object.name] ?? object.name;
        }

        function check(property, object) {
          const owner = (object && owners[ownerOf(object)]) ?? {};
          const known = owner[`${property.name}_static`] ?? owner[property.name];
          const browsersWithout = (known ? [known] : (members.get(property.name) ?? [])).map(
            findWithout,
          );
          if (browsersWithout.every(Boolean)) report(property, browsersWithout[0]);
        }

        return {
          "MemberExpression[computed=false][property.type='Identifier']"({ object, property }) {
            check(property, object);
          },
          /** Whose a property is that is taken by its name is not known, but of a variable that is
           * declared. */
          "ObjectPattern > Property[computed=false][key.type='Identifier']"({ key, parent }) {
            const { init } = parent.parent;
            check(key, init ?? undefined);
          },
          "Program:exit"(program) {
            const { through, variables } = context.sourceCode.getScope(program);
            const globals = variables.filter(({ defs }) => defs.length === 0);
            for (const { identifier } of [...through, ...globals.flatMap((one) => one.references)])
              if (Object.hasOwn(owners, identifier.name))
                report(identifier, findWithout(owners[identifier.name]));
          },
        };
      },
    },
  },
};

// CSS

const RULE = "dropwall/floor";
const ELEMENT_FIRST = "Chrome 112 and iOS 16.5, in a nested rule: write & before it";

/** Functions, which the data has at several depths: `light-dark` is below `color`. */
const functions = new Map();
(function collect(features) {
  for (const [name, feature] of Object.entries(features)) {
    if (name === "__compat") continue;
    functions.set(name, feature);
    collect(feature);
  }
})(css.types);

export default stylelint.createPlugin(
  RULE,
  (isOn, { browsers, allow = [] } = {}) =>
    (root, result) => {
      const findWithout = findBrowserWithout(browsers);

      function check(node, word, feature) {
        report(node, word, findWithout(feature));
      }

      function report(node, word, browser) {
        if (!isOn || !browser || allow.includes(word) || isGuarded(node)) return;
        const message = `${word} is not in ${browser}.`;
        stylelint.utils.report({ ruleName: RULE, result, node, word, message });
      }

      root.walkAtRules((rule) => {
        const { name, params } = rule;
        check(rule, name, css["at-rules"][name]);
        for (const [, feature] of params.matchAll(/\(\s*([a-z-]+)/g))
          if (name !== "supports") check(rule, feature, css["at-rules"][name]?.[feature]);
      });

      root.walkRules((rule) => {
        if (rule.parent.name === "keyframes") return;
        for (const [, name] of rule.selector.matchAll(/::?([a-z-]+)/g))
          check(rule, name, css.selectors[name]);
        if (!isNested(rule)) return;
        check(rule, rule.selector, css.selectors.nesting);
        for (const selector of rule.selectors)
          if (/^[a-z]/i.test(selector)) report(rule, selector, ELEMENT_FIRST);
      });

      root.walkDecls((declaration) => {
        const { prop, value } = declaration;
        const property = css.properties[prop] ?? {};
        if (hasFallback(declaration) || allow.includes(prop)) return;
        check(declaration, prop, property);
        for (const [, name] of value.matchAll(/([a-z][a-z-]*)\(/g))
          check(declaration, name, functions.get(name));
        for (const [, unit] of value.matchAll(/\d([a-z]+)/g))
          check(declaration, unit, css.types.length[unit] ?? css.types.length[familyOf(unit)]);
        if (/^grid/.test(prop) && value.includes("subgrid"))
          check(declaration, "subgrid", css.properties["grid-template-columns"].subgrid);
        if (prop === "content" && value.includes("/"))
          check(declaration, "alt_text", property.alt_text);
        for (const word of value.match(/(?<![\w"'-])[a-z][a-z-]*(?![\w(-])/g) ?? [])
          check(declaration, word, property[word]);
      });
    },
);

/** Whether browsers are asked before. */
function isGuarded(node) {
  for (let { parent } = node; parent; parent = parent.parent)
    if (parent.name === "supports") return true;
  return false;
}

/** Whether the rule says it twice: for older browsers first, or with a prefix. Of a custom property every
 * browser takes the last, and finds out what is wrong with it only where it is used. */
function hasFallback({ prop, parent }) {
  if (prop.startsWith("--")) return false;
  const plain = prop.replace(/^-(webkit|moz)-/, "");
  const same = ({ prop: other }) => other?.replace(/^-(webkit|moz)-/, "") === plain;
  return parent.nodes.filter(same).length > 1;
}

/** Of a unit such as `dvh` or `cqi`, as the data names it. */
function familyOf(unit) {
  const size = { s: "small", l: "large", d: "dynamic" }[/^([sld])v/.exec(unit)?.[1]];
  if (size) return `viewport_percentage_units_${size}`;
  return unit.startsWith("cq") ? "container_query_length_units" : undefined;
}

function isNested(rule) {
  for (let { parent } = rule; parent; parent = parent.parent)
    if (parent.type === "rule") return true;
  return false;
}
