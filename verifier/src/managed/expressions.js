'use strict';
// Reading Lean's expressions: what they mention, and a hash by which two that mean the same are known.

const crypto = require('crypto');

function makeExpressions(lean) {
  const { M, isScalar, tag, field, inc, readString } = lean;

  // A name that no other has, whatever characters it consists of.
  function exactName(p) {
    const parts = [];
    for (; !isScalar(p); p = field(p, 0)) {
      const last = field(p, 1);
      parts.push(tag(p) === 1 ? JSON.stringify(readString(last)) : String(last >> 1));
    }
    return parts.reverse().join('.');
  }

  // A hash of an expression that ignores bound names, binder kinds and metadata: of the list of its different nodes, in
  // which each refers to its parts by their places. Sharing in memory makes no difference.
  function fingerprint(root) {
    const memo = new Map();
    const places = new Map();
    const natural = (p) => (isScalar(p) ? String(p >>> 1) : readString(M._lean_big_nat_to_string ? M._lean_big_nat_to_string(p) : M._l_Nat_repr(inc(p))));
    const level = (p) => {
      if (isScalar(p)) return '0';
      const kind = tag(p);
      if (kind === 1) return `s${level(field(p, 0))}`;
      if (kind === 2 || kind === 3) return `${kind}(${level(field(p, 0))},${level(field(p, 1))})`;
      return `n${exactName(field(p, 0))}`;
    };
    const levels = (p) => (isScalar(p) ? '' : `${level(field(p, 0))};${levels(field(p, 1))}`);
    const node = (e) => {
      switch (tag(e)) {
        case 0: return `b${natural(field(e, 0))}`;
        case 3: return `S${level(field(e, 0))}`;
        case 4: return `c${exactName(field(e, 0))}{${levels(field(e, 1))}}`;
        case 5: return `a${go(field(e, 0))} ${go(field(e, 1))}`;
        case 6: return `l${go(field(e, 1))} ${go(field(e, 2))}`;
        case 7: return `f${go(field(e, 1))} ${go(field(e, 2))}`;
        case 8: return `t${go(field(e, 1))} ${go(field(e, 2))} ${go(field(e, 3))}`;
        case 9: {
          const literal = field(e, 0);
          return tag(literal) === 1 ? `L${readString(field(literal, 0))}` : `n${natural(field(literal, 0))}`;
        }
        case 11: return `p${exactName(field(e, 0))}.${natural(field(e, 1))} ${go(field(e, 2))}`;
        default: return `?${tag(e)}`;
      }
    };
    const go = (e) => {
      if (isScalar(e)) return `s${e}`;
      let place = memo.get(e);
      if (place === undefined) {
        if (tag(e) === 10) {
          place = go(field(e, 1));
        } else {
          const text = node(e);
          place = places.get(text);
          if (place === undefined) places.set(text, (place = places.size));
        }
        memo.set(e, place);
      }
      return place;
    };
    go(root);
    const hash = crypto.createHash('sha256');
    hash.update([...places.keys()].map((text) => `${text.length}:${text}`).join(''));
    return hash.digest('hex').slice(0, 32);
  }

  // Calls `each` with the names of the constants of an expression; `structures`: those of its projections as well.
  function constants(root, each, structures = true) {
    const visited = new Set();
    const stack = [root];
    while (stack.length) {
      const e = stack.pop();
      if (isScalar(e) || visited.has(e)) continue;
      visited.add(e);
      switch (tag(e)) {
        case 4: each(field(e, 0)); break;
        case 5: stack.push(field(e, 0), field(e, 1)); break;
        case 6: case 7: stack.push(field(e, 1), field(e, 2)); break;
        case 8: stack.push(field(e, 1), field(e, 2), field(e, 3)); break;
        case 10: stack.push(field(e, 1)); break;
        case 11:
          if (structures) each(field(e, 0));
          stack.push(field(e, 2));
          break;
      }
    }
  }

  // The names of a constant's universe parameters, in their order.
  function readLevels(list) {
    const names = [];
    for (let p = list; !isScalar(p); p = field(p, 1)) names.push(exactName(field(p, 0)));
    return names.join(' ');
  }

  return { fingerprint, constants, readLevels };
}

module.exports = { makeExpressions };
