'use strict';
// Which library theorems a proof's own text names, as far as its elaborated term confirms them.

const NOISE = /\/-[\s\S]*?-\/|--[^\n]*|"(\\[\s\S]|[^"\\])*"/gu;
const WORD = /[\p{L}_][\p{L}\p{N}_'!?₀-₉.]*/gu;

function wordsOf(proof) {
  return new Set((proof.replace(NOISE, ' ').match(WORD) || []).map((word) => word.replace(/\.+$/, '')));
}

// In full (`Nat.le_trans`), within an opened namespace or after a dot (`le_trans`, `.le_trans`), or by dot
// notation on a hypothesis (`h.le_trans`).
function isNamed(theorem, words) {
  const last = theorem.slice(theorem.lastIndexOf('.') + 1);
  for (const word of words) {
    if (word === theorem || theorem.endsWith(`.${word}`)) return true;
    if (word.startsWith('_root_.') && word.slice(7) === theorem) return true;
    const parts = word.split('.');
    const at = parts.lastIndexOf(last);
    if (at > 0 && /^[\p{Ll}_]/u.test(parts[0])) return true;
  }
  return false;
}

module.exports = { wordsOf, isNamed };
