'use strict';
// Reading Lean's expressions: what they mention, and a hash by which two that mean the same are known.

const crypto = require('crypto');

function makeExpressions(lean) {
  const { M, isScalar, tag, field, inc, readString, readName } = lean;

  // A hash of an expression that ignores bound names, binder kinds and metadata.
  function fingerprint(root) {
    const memo = new Map();
    const hash = (text) => crypto.createHash('sha256').update(text).digest('hex').slice(0, 32);
    const natural = (p) => (isScalar(p) ? String(p >>> 1) : readString(M._lean_big_nat_to_string ? M._lean_big_nat_to_string(p) : M._l_Nat_repr(inc(p))));
    const level = (p) => {
      if (isScalar(p)) return '0';
      const kind = tag(p);
      if (kind === 1) return `s${level(field(p, 0))}`;
      if (kind === 2 || kind === 3) return `${kind}(${level(field(p, 0))},${level(field(p, 1))})`;
      return `n${readName(field(p, 0))}`;
    };
    const levels = (p) => (isScalar(p) ? '' : `${level(field(p, 0))};${levels(field(p, 1))}`);
    const node = (e) => {
      switch (tag(e)) {
        case 0: return `b${natural(field(e, 0))}`;
        case 3: return `S${level(field(e, 0))}`;
        case 4: return `c${readName(field(e, 0))}{${levels(field(e, 1))}}`;
        case 5: return `a${go(field(e, 0))} ${go(field(e, 1))}`;
        case 6: return `l${go(field(e, 1))} ${go(field(e, 2))}`;
        case 7: return `f${go(field(e, 1))} ${go(field(e, 2))}`;
        case 8: return `t${go(field(e, 1))} ${go(field(e, 2))} ${go(field(e, 3))}`;
        case 9: {
          const literal = field(e, 0);
          return tag(literal) === 1 ? `L${readString(field(literal, 0))}` : `n${natural(field(literal, 0))}`;
        }
        case 11: return `p${readName(field(e, 0))}.${natural(field(e, 1))} ${go(field(e, 2))}`;
        default: return `?${tag(e)}`;
      }
    };
    const go = (e) => {
      if (isScalar(e)) return `s${e}`;
      let value = memo.get(e);
      if (value === undefined) memo.set(e, (value = tag(e) === 10 ? go(field(e, 1)) : hash(node(e))));
      return value;
    };
    return go(root);
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
    for (let p = list; !isScalar(p); p = field(p, 1)) names.push(readName(field(p, 0)));
    return names.join(' ');
  }

  return { fingerprint, constants, readLevels };
}

module.exports = { makeExpressions };
