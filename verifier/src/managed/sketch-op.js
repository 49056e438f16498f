'use strict';
// The operation `sketch`: what is left to prove of a proof that fails. The program that finds it is loaded when it is first asked for,
// and Lean's interpreter runs it on the states of this process.

const { makeSketchProgram } = require('./sketch-program.js');

// `session`: that of session.js.
function makeSketchOp(lean, session) {
  const { M, box, inc, dec, readString, string, unwrap } = lean;
  const { load } = makeSketchProgram(lean, session);
  let program;

  return function sketch({ header, signature, proof }) {
    const { state, ahead, errors } = session.contextOf(header);
    if (errors.length) return { outcome: 'none', reason: errors[0] };
    program = program || load();
    const ran = M._lean_apply_5(inc(program), inc(state), string(ahead), string(signature), string(proof), box(0));
    const answer = JSON.parse(readString(unwrap(ran, 'sketch')));
    dec(ran);
    return answer;
  };
}

module.exports = { makeSketchOp };
