'use strict';
// Reading Lean's expressions: what they mention, and a hash by which two that mean the same are known. Nothing here calls
// itself: the depth of a term must not decide whether it can be read.

const crypto = require('crypto');

// Kinds of Expr, by their constructors' numbers, with the fields that are expressions.
const PARTS = { 5: [0, 1], 6: [1, 2], 7: [1, 2], 8: [1, 2, 3], 10: [1], 11: [2] };
const NONE = [];

function makeExpressions(lean) {
  const { isScalar, tag, field, readString, exactName, natural } = lean;

  const parts = (e) => (isScalar(e) ? NONE : (PARTS[tag(e)] || NONE).map((i) => field(e, i)));

  // Calls `each` with every different node below `root`, parts before wholes and from left to right. What is in `known`
  // is left out; `each` must put its node there.
  function postorder(root, known, each) {
    const stack = [root];
    while (stack.length) {
      const e = stack[stack.length - 1];
      if (known.has(e)) {
        stack.pop();
        continue;
      }
      const waiting = parts(e).filter((part) => !known.has(part));
      if (waiting.length === 0) {
        stack.pop();
        each(e);
      } else {
        for (let i = waiting.length - 1; i >= 0; i -= 1) stack.push(waiting[i]);
      }
    }
  }

  // A level; `places` has those of the declaration's universe parameters, whose names make no difference.
  function level(p, places) {
    if (isScalar(p)) return '0';
    const kind = tag(p);
    const part = (i) => level(field(p, i), places);
    if (kind === 1) return `s${part(0)}`;
    if (kind === 2 || kind === 3) return `${kind}(${part(0)},${part(1)})`;
    const key = exactName(field(p, 0));
    return places.has(key) ? `n${places.get(key)}` : `?${key}`;
  }

  // A hash of an expression of a declaration, whose universe parameters are `parameters`. It ignores bound names, binder kinds
  // and metadata, and is of the list of the different nodes, in which each refers to its parts by their places. Sharing in
  // memory makes no difference. `constantText` says how a constant is written.
  function fingerprint(root, constantText, parameters) {
    const memo = new Map();
    const places = new Map();
    const parameterPlaces = new Map(readNames(parameters).map((key, place) => [key, place]));
    const of = (e, i) => memo.get(field(e, i));
    const levelText = (p) => level(p, parameterPlaces);
    const levels = (p) => (isScalar(p) ? '' : `${levelText(field(p, 0))};${levels(field(p, 1))}`);
    const node = (e) => {
      switch (tag(e)) {
        case 0: return `b${natural(field(e, 0))}`;
        case 3: return `S${levelText(field(e, 0))}`;
        case 4: return `c${constantText(field(e, 0))}{${levels(field(e, 1))}}`;
        case 5: return `a${of(e, 0)} ${of(e, 1)}`;
        case 6: return `l${of(e, 1)} ${of(e, 2)}`;
        case 7: return `f${of(e, 1)} ${of(e, 2)}`;
        case 8: return `t${of(e, 1)} ${of(e, 2)} ${of(e, 3)}`;
        case 9: {
          const literal = field(e, 0);
          return tag(literal) === 1 ? `L${readString(field(literal, 0))}` : `n${natural(field(literal, 0))}`;
        }
        case 11: return `p${constantText(field(e, 0))}.${natural(field(e, 1))} ${of(e, 2)}`;
        default: return `?${tag(e)}`;
      }
    };
    postorder(root, memo, (e) => {
      if (!isScalar(e) && tag(e) === 10) {
        memo.set(e, of(e, 1));
        return;
      }
      const text = isScalar(e) ? `s${e}` : node(e);
      if (!places.has(text)) places.set(text, places.size);
      memo.set(e, places.get(text));
    });
    const hash = crypto.createHash('sha256');
    hash.update([...places.keys()].map((text) => `${text.length}:${text}`).join(''));
    return hash.digest('hex');
  }

  // Calls `each` with the names of the constants of an expression; `structures`: those of its projections as well.
  function constants(root, each, structures = true) {
    const visited = new Set();
    const stack = [root];
    while (stack.length) {
      const e = stack.pop();
      if (isScalar(e) || visited.has(e)) continue;
      visited.add(e);
      const kind = tag(e);
      if (kind === 4 || (kind === 11 && structures)) each(field(e, 0));
      stack.push(...parts(e));
    }
  }

  // The names in a list, such as a constant's universe parameters.
  function readNames(list) {
    const names = [];
    for (let p = list; !isScalar(p); p = field(p, 1)) names.push(exactName(field(p, 0)));
    return names;
  }

  return { fingerprint, constants, readNames, postorder };
}

module.exports = { makeExpressions };
