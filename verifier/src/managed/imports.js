'use strict';
// What a text imports, as Lean's own parser reads it. `header`: the syntax of what a text begins with, which is whether it is a
// module, whether it is a prelude, and the list of its imports.

// Lean.Syntax's constructors.
const NODE = 1;
const IDENTIFIER = 3;
const MISSING = 1; // a scalar
// Parts of a name that need no quotes.
const PLAIN = /^[A-Za-z_][A-Za-z0-9_'!?]*$/;
// How a module imports: a plain text, as which everything is judged, has all of what it imports.
const MODIFIERS = ['public', 'meta', 'all'];

function makeImports({ isScalar, tag, field, array, readString, natural }) {
  const parts = (node) => (isScalar(node) || tag(node) !== NODE ? [] : array(field(node, 2)));

  // A name as a text writes it.
  function written(nameObject) {
    const found = [];
    for (let p = nameObject; !isScalar(p); p = field(p, 0)) {
      const last = field(p, 1);
      const part = tag(p) === 1 ? readString(last) : natural(last);
      found.push(PLAIN.test(part) ? part : `«${part}»`);
    }
    return found.reverse().join('.');
  }

  // The words of a syntax, without the comments and white space between them.
  function words(syntax) {
    const found = [];
    const stack = [syntax];
    while (stack.length) {
      const node = stack.pop();
      if (isScalar(node)) continue;
      if (tag(node) === NODE) stack.push(...parts(node).reverse());
      else found.push(tag(node) === IDENTIFIER ? written(field(node, 2)) : readString(field(node, 1)).trim());
    }
    return found;
  }

  // The imports, one a line.
  function importLines(header) {
    const [, , imports = MISSING] = parts(header);
    const plain = (one) => words(one).filter((word) => !MODIFIERS.includes(word)).join(' ');
    return parts(imports).map(plain).join('\n');
  }

  // Whether a text says that it is a module or a prelude.
  const isSpecial = (header) => parts(header).slice(0, 2).some((mark) => parts(mark).length > 0);

  return { words, importLines, isSpecial };
}

module.exports = { makeImports };
