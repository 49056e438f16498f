'use strict';
// The operation `source`: elaborates a whole text as plain Lean does, command after command, and hands out what each
// command declares. Field numbers are the declaration order of Lean's structures.

const { AUXILIARY } = require('./library.js');
const { PRIVATE } = require('./kernel.js');
const { ExportError } = require('./export.js');
const { makeImports } = require('./imports.js');
const { withoutComments } = require('./comments.js');
const { NO_CODE } = require('./session.js');

const COMMAND = 'Lean.Parser.Command.';
// Commands whose theorems are Lean's own by-products.
const DEFINING = ['definition', 'def', 'abbrev', 'structure', 'inductive', 'classInductive', 'opaque', 'axiom', 'coinductive'].map((kind) => COMMAND + kind);
const EXAMPLE = `${COMMAND}example`;
const THEOREMS = [`${COMMAND}theorem`, EXAMPLE, 'lemma'];
const DECLARED = `${COMMAND}declId`;
// An example gets the section's variables that its proof needs. A theorem gets none but those of its type, without this.
const PROOFS_VARIABLES = 'set_option deprecated.oldSectionVars true in';
const NODE = 1; // Lean.Syntax.node
const IDENTIFIER = 3; // Lean.Syntax.ident
// What may stand before `example` and not before a theorem.
const MODIFIERS = /(?:(?<![^\s\]])(?:private|protected|noncomputable|nonrec)\s+)+$/;
const NO_PROPOSITION = /is not a proposition/;
const MEANT = /(?:^|\s)(theorem|lemma|example)(?=[\s:({[]|$)[^\S\n]*([^\s:({[]*)/;
const MAX_NODES = 20000; // of one command's syntax
const MAX_MESSAGES = 500;

function makeSourceOp(lean, { maxHeartbeats, environments, readMessages, constants, exporter, clock }) {
  const { M, isScalar, tag, field, box, inc, dec, array, name, readName, exactName, unwrap, inputContext, constructor } = lean;
  const { importLines } = makeImports(lean);
  const options = [
    ['maxHeartbeats', (o, key) => M._l_Lean_KVMap_setNat(o, key, box(maxHeartbeats))],
    ['Elab.async', (o, key) => M._l_Lean_KVMap_setBool(o, key, 0)],
    ['linter.all', (o, key) => M._l_Lean_KVMap_setBool(o, key, 0)],
  ].reduce((o, [key, set]) => set(o, name(key)), M._lean_internal_get_default_options(box(0)));
  // The checker has the last word; a text that asks the kernel itself must get its answer at once.
  const unchecked = M._l_Lean_KVMap_setBool(inc(options), name('debug.skipKernelTC'), 1);
  [options, unchecked].forEach((object) => M._lean_mark_persistent(object));

  const natural = (p) => p >>> 1;
  const isError = (message) => message.severity === 'error';

  function source({ code: written }) {
    // Lean takes CRLF for LF, and counts its positions in what it took.
    const code = written.replace(/\r\n/g, '\n');
    const bytes = Buffer.from(code, 'utf8');
    const input = inputContext(code);
    inc(input);
    const parsed = M._l_Lean_Parser_parseHeader(input);
    const triple = unwrap(parsed, 'header');
    const parserState = field(field(triple, 1), 0);
    const log = field(field(triple, 1), 1);
    const lead = readMessages(log);
    if (lead.some(isError)) return { messages: lead };
    const header = field(triple, 0);
    const base = environments(header, log, input);
    if (base.messages.some(isError)) return { messages: base.messages };
    inc(log);
    const chosen = /kernel/.test(code) ? options : unchecked;
    const first = elaborated(NO_CODE, M._l_Lean_Elab_Command_mkState(inc(base.env), log, chosen));
    const walk = { bytes, input, base, noMessages: log, output: null, seen: new Set(), examples: 0 };
    const { commands, last } = eachCommand(first, inc(parserState), walk);
    walk.output = exporter(field(last, 0), (nameObject) => has(base.env, nameObject));
    const answer = { commands: commands.map((command) => finish(command, walk)), imports: importLines(header), messages: [] };
    answer.export = walk.output.finish();
    commands.forEach(({ env }) => dec(env));
    dec(last);
    dec(parsed);
    return answer;
  }

  // The state after a text that stands alone, from a state that it consumes.
  function elaborated(text, state) {
    const parsed = M._l_Lean_Parser_parseHeader(inputContext('end'));
    const begin = inc(field(field(unwrap(parsed, 'parser'), 1), 0));
    const ran = M._l_Lean_Elab_IO_processCommands(inputContext(text), begin, state);
    const after = inc(field(unwrap(ran, 'elaboration'), 0));
    dec(ran);
    dec(parsed);
    return after;
  }

  function has(env, nameObject) {
    const option = M._l_Lean_Environment_find_x3f(inc(env), inc(nameObject), 0);
    if (isScalar(option)) return false;
    dec(option);
    return true;
  }

  // Elaborates one command after the other. The caller owns the last command state and each command's environment.
  function eachCommand(state, parserState, walk) {
    // Lean.Elab.Frontend.State: command state, parser state, position, commands.
    const ref = M._lean_st_mk_ref(constructor(0, [state, parserState, box(0), M._lean_array_mk(box(0))]));
    const commands = [];
    for (;;) {
      const before = M._lean_st_ref_get(ref);
      const start = natural(field(field(before, 1), 0));
      const said = parseErrors(before, walk);
      const done = natural(unwrapBool(clock.elaborating(() => M._l_Lean_Elab_Frontend_processCommand(inc(walk.input), inc(ref)))));
      const after = M._lean_st_ref_get(ref);
      if (done) {
        dec(before);
        const last = inc(field(after, 0));
        dec(after);
        dec(ref);
        return { commands, last };
      }
      const syntax = array(field(after, 3)).at(-1);
      const end = natural(field(field(after, 1), 0));
      said.push(...readMessages(field(field(after, 0), 1)));
      commands.push(look(syntax, { start, end, said }, field(before, 0), field(after, 0), walk));
      dec(before);
      dec(after);
    }
  }

  // The parser's errors in the next command, which elaboration forgets.
  function parseErrors(frontend, { input, noMessages }) {
    const command = field(frontend, 0);
    const scope = field(field(command, 2), 0); // of its header, options, namespace and opened namespaces
    const context = constructor(0, [field(command, 0), field(scope, 1), field(scope, 2), field(scope, 3)].map(inc));
    const parsed = M._l_Lean_Parser_parseCommand(inc(input), context, inc(field(frontend, 1)), inc(noMessages));
    const messages = readMessages(field(field(parsed, 1), 1));
    dec(parsed);
    return messages;
  }

  function unwrapBool(result) {
    return isScalar(result) ? result : unwrap(result, 'elaboration');
  }

  // What a command declares: what the environment has after it and had not before it.
  function look(syntax, range, before, after, walk) {
    const { kinds, given, hasType } = partsOf(syntax);
    let env = inc(field(after, 0));
    const command = { ...range, example: null, isTheorem: THEOREMS.some((kind) => kinds.has(kind)) };
    if (kinds.has(EXAMPLE)) {
      const renamed = hasType ? nameExample(range, before, walk) : { isData: true };
      if (renamed.env) {
        dec(env);
        ({ env, name: command.example } = renamed);
        given.push(renamed.name);
      }
      command.isTheorem = !renamed.isData;
      if (renamed.error && !renamed.isData && !range.said.some(isError)) range.said.push({ ...renamed.error, pos: position(walk.bytes, range.start) });
    }
    const theorems = [];
    constants.declared(env, (nameObject, info) => {
      const key = exactName(nameObject);
      if (walk.seen.has(key)) return;
      walk.seen.add(key);
      if (tag(info) === 2 && (isGiven(nameObject, given) || !isAuxiliary(nameObject))) theorems.push(nameObject); // the environment keeps it
    });
    const defines = DEFINING.some((kind) => kinds.has(kind)) && !kinds.has(`${COMMAND}theorem`);
    return { ...command, env, theorems: defines ? [] : theorems };
  }

  const isAuxiliary = (nameObject) => readName(nameObject).replace(PRIVATE, '').split('.').some((part) => AUXILIARY.test(part));

  // Whether the text itself gives that name, perhaps below a namespace.
  function isGiven(nameObject, given) {
    const full = readName(nameObject);
    return given.some((text) => full === text || full.endsWith(`.${text}`));
  }

  // Lean forgets what an example declares: it is elaborated once more as a theorem, from the same state. `isData`: its type
  // is no proposition, so that there is nothing to prove.
  function nameExample({ start, end }, before, walk) {
    const text = walk.bytes.subarray(start, end).toString('utf8');
    const keyword = MEANT.exec(withoutComments(text));
    if (!keyword || keyword[1] !== 'example') return {};
    let called;
    do called = `stp_example_${(walk.examples += 1)}`;
    while (has(field(before, 0), name(called)));
    const at = keyword.index + keyword[0].indexOf('example');
    // All that is not replaced stays in its column, on which layouts depend.
    const placed = (from, to) => {
      const { column } = position(walk.bytes, start + Buffer.byteLength(text.slice(0, from)));
      return `${' '.repeat(column)}${text.slice(from, to)}`;
    };
    const renamed = `${PROOFS_VARIABLES}\n${placed(0, at).replace(MODIFIERS, (words) => words.replace(/\S/g, ' '))}theorem _root_.${called}\n${placed(at + 'example'.length)}`;
    const state = elaborated(renamed, inc(before));
    const env = inc(field(state, 0));
    const errors = readMessages(field(state, 1)).filter(isError);
    const isData = errors.some((message) => NO_PROPOSITION.test(message.data));
    dec(state);
    // What was declared beside an error is not what the text says.
    if (!errors.length && has(env, name(called))) return { env, name: called, isData: false };
    dec(env);
    return { isData, error: errors[0] };
  }

  // The kinds of the nodes of a command's syntax, the names that it gives to what it declares, and whether an example has a type.
  function partsOf(root) {
    const kinds = new Set();
    const given = [];
    let hasType = false;
    const stack = [root];
    for (let count = 0; stack.length && count < MAX_NODES; count += 1) {
      const node = stack.pop();
      if (isScalar(node) || tag(node) !== NODE) continue;
      const kind = readName(field(node, 1));
      kinds.add(kind);
      const parts = array(field(node, 2));
      if (kind === DECLARED && !isScalar(parts[0]) && tag(parts[0]) === IDENTIFIER) {
        given.push(readName(field(parts[0], 2)).replace(/^_root_\./, ''));
      }
      if (kind === EXAMPLE) hasType = isTyped(parts);
      // Terms and tactics declare nothing.
      if (!kind.startsWith('Lean.Parser.Term.') && !kind.startsWith('Lean.Parser.Tactic.')) stack.push(...parts);
    }
    return { kinds, given, hasType };
  }

  // Whether an example says what it is of: its second part is a signature, of binders and a type that may be left out.
  function isTyped([, signature]) {
    const inside = (node) => (node === undefined || isScalar(node) || tag(node) !== NODE ? [] : array(field(node, 2)));
    return inside(inside(signature)[1]).length > 0;
  }

  function finish({ start, end, said, env, theorems, example, isTheorem }, { bytes, output }) {
    const text = bytes.subarray(start, end).toString('utf8');
    const lead = text.length - text.trimStart().length;
    const meant = MEANT.exec(withoutComments(text));
    const handed = [];
    const messages = said.slice(0, MAX_MESSAGES);
    for (const theorem of theorems) {
      try {
        output.add(theorem, env);
        handed.push(readName(theorem));
      } catch (error) {
        if (!(error instanceof ExportError)) throw error;
        messages.push({ severity: 'error', pos: position(bytes, start + Buffer.byteLength(text.slice(0, lead))), data: error.message });
      }
    }
    return {
      pos: position(bytes, start + Buffer.byteLength(text.slice(0, lead))),
      end_pos: position(bytes, start + Buffer.byteLength(text.trimEnd())),
      theorems: handed,
      // What has errors may not have been read to its end.
      is_theorem: isTheorem || (meant !== null && messages.some(isError)),
      name: example || !meant || meant[1] === 'example' ? '' : meant[2],
      messages,
    };
  }

  return source;
}

// Line from 1 and column in characters from 0, as Lean counts them.
function position(bytes, offset) {
  const before = bytes.subarray(0, offset).toString('utf8');
  const line = before.split('\n').length;
  return { line, column: [...before.slice(before.lastIndexOf('\n') + 1)].length };
}

module.exports = { makeSourceOp, position };
