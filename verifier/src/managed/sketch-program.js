'use strict';
// The program in Lean that makes sketches (Stp/Sketch.lean), as a function of Lean's: out of a file that `compile.js` made, or, where
// there is none that is whole, elaborated here. Lean's interpreter needs the compiled definitions alone, so these are all that is
// taken from the file: no text can import it.

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const TEXT = path.join(__dirname, 'sketch.lean');
const COMPILED = path.join(__dirname, 'sketch.compiled');
const DIGEST = 32; // bytes of SHA-256 before the others
const FUNCTION = 'Stp.Sketch.sketchText';
const IMPORT = 'import Lean';
const DEFINITIONS = 'Lean.IR.declMapExt';
const SCRATCH = '/tmp/stp-program'; // in the build's own file system, which is memory
const ERROR = 2;

const digest = (bytes) => crypto.createHash('sha256').update(bytes).digest();

// `session`: that of session.js.
function makeSketchProgram(lean, session) {
  const { M, X, view, box, inc, field, tag, readString, readName, string, name, unwrap, inputContext, scalarByte, array } = lean;
  const options = () => M._lean_internal_get_default_options(box(0));

  function imported() {
    const { env, errors } = session.environment(IMPORT);
    if (errors.length) throw new Error(errors[0]);
    return env;
  }

  // The environment after Lean has elaborated the text.
  function elaborated() {
    const input = inputContext(fs.readFileSync(TEXT, 'utf8'));
    const parsed = M._l_Lean_Parser_parseHeader(inc(input));
    const rest = field(unwrap(parsed, 'header'), 1);
    const state = M._l_Lean_Elab_Command_mkState(inc(imported()), inc(field(rest, 1)), options());
    const ran = M._l_Lean_Elab_IO_processCommands(input, inc(field(rest, 0)), state);
    const final = field(unwrap(ran, 'elaboration'), 0);
    for (const item of array(M._l_Lean_MessageLog_toArray(inc(field(final, 1))))) {
      if (scalarByte(item, 1) < ERROR) continue;
      const shown = M._l_Lean_Message_toString(inc(item), 0);
      throw new Error(`the program of sketches: ${readString(tag(shown) === 249 ? shown : field(shown, 0))}`);
    }
    return field(final, 0);
  }

  // The imports' environment with the definitions of the file; nothing if there is no whole one.
  function compiled() {
    let file;
    try {
      file = fs.readFileSync(COMPILED);
    } catch {
      return null;
    }
    const bytes = file.subarray(DIGEST);
    if (!digest(bytes).equals(file.subarray(0, DIGEST))) return null;
    X.FS.writeFile(SCRATCH, bytes);
    const read = M._l_Lean_readModuleData(string(SCRATCH), box(0));
    X.FS.unlink(SCRATCH);
    const module = field(unwrap(read, 'the program of sketches'), 0);
    M._lean_mark_persistent(read);
    const extension = view().getUint32(M._l_Lean_IR_declMapExt, true);
    let env = inc(imported());
    for (const entry of array(field(module, 4))) {
      if (readName(field(entry, 0)) !== DEFINITIONS) continue;
      for (const definition of array(field(entry, 1))) {
        env = M._l_Lean_PersistentEnvExtension_addEntry___redArg(inc(extension), env, inc(definition), box(0), box(0));
      }
    }
    M._lean_mark_persistent(env);
    return env;
  }

  function load() {
    const found = M._lean_eval_const(compiled() || elaborated(), options(), name(FUNCTION));
    if (tag(found) === 0) throw new Error(`the program of sketches: ${readString(field(found, 0))}`);
    M._lean_mark_persistent(found);
    return field(found, 0);
  }

  // The file's content.
  function compile() {
    unwrap(M._l_Lean_writeModule(inc(elaborated()), string(SCRATCH), 0, box(0)), 'writing the program of sketches');
    const bytes = Buffer.from(X.FS.readFile(SCRATCH));
    return Buffer.concat([digest(bytes), bytes]);
  }

  return { load, compile };
}

module.exports = { makeSketchProgram };
