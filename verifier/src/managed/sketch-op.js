'use strict';
// The operation `sketch`: what is left to prove of a proof that fails, by a program in Lean (Stp/Sketch.lean). Lean elaborates
// the program when it is first asked for, and its interpreter runs it on the states of this process.

const fs = require('fs');
const path = require('path');

const PROGRAM = path.join(__dirname, 'sketch.lean');
const FUNCTION = 'Stp.Sketch.sketchText';
const IMPORT = 'import Lean';
const ERROR = 2;

// `session`: that of session.js.
function makeSketchOp(lean, session) {
  const { M, box, inc, dec, field, tag, readString, string, name, unwrap, inputContext, scalarByte, array } = lean;
  let program;

  // The program as a function of Lean's.
  function load() {
    const source = fs.readFileSync(PROGRAM, 'utf8');
    const { env, errors } = session.environment(IMPORT);
    if (errors.length) throw new Error(errors[0]);
    const options = M._lean_internal_get_default_options(box(0));
    const input = inputContext(source);
    const parsed = M._l_Lean_Parser_parseHeader(inc(input));
    const rest = field(unwrap(parsed, 'header'), 1);
    const state = M._l_Lean_Elab_Command_mkState(inc(env), inc(field(rest, 1)), options);
    const ran = M._l_Lean_Elab_IO_processCommands(input, inc(field(rest, 0)), state);
    const final = field(unwrap(ran, 'elaboration'), 0);
    const log = M._l_Lean_MessageLog_toArray(inc(field(final, 1)));
    for (const item of array(log)) {
      if (scalarByte(item, 1) < ERROR) continue;
      const shown = M._l_Lean_Message_toString(inc(item), 0);
      throw new Error(`the program of sketches: ${readString(tag(shown) === 249 ? shown : field(shown, 0))}`);
    }
    const found = M._lean_eval_const(field(final, 0), options, name(FUNCTION));
    if (tag(found) === 0) throw new Error(`the program of sketches: ${readString(field(found, 0))}`);
    M._lean_mark_persistent(found);
    return field(found, 0);
  }

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
