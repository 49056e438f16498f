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

  function level(p) {
    if (isScalar(p)) return '0';
    const kind = tag(p);
    if (kind === 1) return `s${level(field(p, 0))}`;
    if (kind === 2 || kind === 3) return `${kind}(${level(field(p, 0))},${level(field(p, 1))})`;
    return `n${exactName(field(p, 0))}`;
  }
  const levels = (p) => (isScalar(p) ? '' : `${level(field(p, 0))};${levels(field(p, 1))}`);

  // A hash of an expression that ignores bound names, binder kinds and metadata: of the list of its different nodes, in
  // which each refers to its parts by their places. Sharing in memory makes no difference. `contentOf` says of a constant
  // what it stands for, where its name alone does not tell.
  function fingerprint(root, contentOf) {
    const memo = new Map();
    const places = new Map();
    const of = (e, i) => memo.get(field(e, i));
    const node = (e) => {
      switch (tag(e)) {
        case 0: return `b${natural(field(e, 0))}`;
        case 3: return `S${level(field(e, 0))}`;
        case 4: return `c${exactName(field(e, 0))}${contentOf(field(e, 0))}{${levels(field(e, 1))}}`;
        case 5: return `a${of(e, 0)} ${of(e, 1)}`;
        case 6: return `l${of(e, 1)} ${of(e, 2)}`;
        case 7: return `f${of(e, 1)} ${of(e, 2)}`;
        case 8: return `t${of(e, 1)} ${of(e, 2)} ${of(e, 3)}`;
        case 9: {
          const literal = field(e, 0);
          return tag(literal) === 1 ? `L${readString(field(literal, 0))}` : `n${natural(field(literal, 0))}`;
        }
        case 11: return `p${exactName(field(e, 0))}${contentOf(field(e, 0))}.${natural(field(e, 1))} ${of(e, 2)}`;
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

  // The names of a constant's universe parameters, in their order.
  function readLevels(list) {
    const names = [];
    for (let p = list; !isScalar(p); p = field(p, 1)) names.push(exactName(field(p, 0)));
    return names.join(' ');
  }

  return { fingerprint, constants, readLevels, postorder };
}

module.exports = { makeExpressions };
