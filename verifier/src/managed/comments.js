'use strict';
// Lean's comments, which nest.

// What a comment begins with, and what holds none: strings, quoted names, and the character `"`.
const TOKEN = /--|\/-|"(?:\\[\s\S]|[^"\\])*"|«[^»\n]*»|'\\?"'/g;
const MARK = /\/-|-\//g;

// The text with blanks in the place of its comments: all else stays where it is.
function withoutComments(text) {
  let done = '';
  for (let at = 0; ; ) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (!found) return done + text.slice(at);
    const end = endOf(text, found);
    const isComment = found[0] === '--' || found[0] === '/-';
    const token = text.slice(found.index, end);
    done += text.slice(at, found.index) + (isComment ? token.replace(/[^\n]/g, ' ') : token);
    at = end;
  }
}

function endOf(text, { 0: token, index }) {
  if (token === '--') {
    const end = text.indexOf('\n', index);
    return end < 0 ? text.length : end;
  }
  if (token !== '/-') return index + token.length;
  MARK.lastIndex = index + 3; // the first character of a comment closes nothing
  for (let depth = 1, mark; (mark = MARK.exec(text)); ) {
    depth += mark[0] === '/-' ? 1 : -1;
    if (depth === 0) return MARK.lastIndex;
  }
  return text.length;
}

module.exports = { withoutComments };
