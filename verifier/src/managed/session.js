'use strict';
// Elaborating texts with Lean: environments of imports, contexts of headers, commands one after the other, messages.

const { makeImports } = require('./imports.js');

const TARGET = 'stp_target';
// Lean.MessageSeverity.
const INFORMATION = 0;
const ERROR = 2;
// The place of the info trees in Lean.Elab.Command.State; theirs are three fields, and a byte that says whether they are kept.
const INFORMATION_STATE = 8;
const MAX_MESSAGE = 2000;
const MAX_MESSAGES = 5;
const ENVIRONMENTS = 4;
const CONTEXTS = 16;

// What elaboration skips is made up for by the checker, which no text has touched.
const UNCHECKED = 'set_option debug.skipKernelTC true';
const CHECKED = 'set_option debug.skipKernelTC false';

// This build's library has no code: a definition that is to be compiled fails as soon as it calls `++` or `List.map`, and
// one that is recursive is not made at all. Nothing that is judged is run.
const NO_CODE = 'noncomputable section';

const SPECIAL = 'a header is neither a `module` nor a `prelude`: leave that word out, and begin with the imports';

function makeSession(lean, { maxHeartbeats, skipKernel }, clock) {
  const { M, view, isScalar, tag, field, box, inc, dec, readString, array, name, unwrap, inputContext, scalarByte, constructor } = lean;
  const { importLines, isSpecial } = makeImports(lean);
  const trusted = [
    `set_option maxHeartbeats ${Number(maxHeartbeats)}`,
    'set_option autoImplicit false',
    'set_option relaxedAutoImplicit false',
    'set_option Elab.async false',
    'set_option linter.all false', // nobody reads warnings
  ];
  const options = M._lean_internal_get_default_options(box(0));
  const noArguments = M._lean_array_mk(box(0));
  M._lean_mark_persistent(options);
  M._lean_mark_persistent(noArguments);
  const environments = new Map();
  const contexts = new Map();
  let noMessages;
  let begin;

  function cached(map, limit, key, make, drop) {
    let value = map.get(key);
    if (value === undefined) value = make();
    else map.delete(key);
    map.set(key, value);
    if (map.size > limit) {
      const [oldest, old] = map.entries().next().value;
      map.delete(oldest);
      drop(old);
    }
    return value;
  }

  // A header in two, where Lean's parser divides it, or its errors. The imports give the environment; what follows them stands
  // before every theorem, in its own lines and columns.
  function split(header) {
    const text = header.replace(/\r\n/g, '\n'); // as Lean counts its positions
    const parsed = M._l_Lean_Parser_parseHeader(inputContext(text));
    const pair = unwrap(parsed, 'header');
    const syntax = field(pair, 0);
    const errors = readMessages(field(field(pair, 1), 1), { lead: 0 });
    if (!errors.length && isSpecial(syntax)) errors.push(SPECIAL);
    const [before, context] = divided(text, field(field(pair, 1), 0));
    const result = errors.length ? { errors } : { imports: importLines(syntax), context: blank(before) + context, errors };
    dec(parsed);
    return result;
  }

  // What the parser has read of a text, and what follows.
  function divided(text, parser) {
    const bytes = Buffer.from(text, 'utf8');
    const end = field(parser, 0) >>> 1;
    return [bytes.subarray(0, end), bytes.subarray(end)].map((part) => part.toString('utf8'));
  }

  const blank = (text) => text.replace(/[^\n]/gu, ' ');

  // This build's library is that of modules, and an environment made of it takes every text for a module, whose
  // definitions hide their bodies. A plain text is none.
  function forgetModule(env) {
    const header = M._l_Lean_Environment_header(inc(env));
    view().setUint8(header + 8 + 4 * view().getUint8(header + 6) + 4, 0);
    dec(header);
  }

  // `imports`: their lines, and nothing else.
  function environment(imports) {
    return cached(environments, ENVIRONMENTS, imports, () => {
      const text = `${imports}\n`;
      const context = inputContext(text);
      inc(context);
      const parsed = M._l_Lean_Parser_parseHeader(context);
      const pair = unwrap(parsed, 'header');
      M._lean_mark_persistent(parsed);
      const messages = field(field(pair, 1), 1);
      noMessages = noMessages || messages;
      const processed = M._l_Lean_Elab_processHeader(field(pair, 0), options, messages, context, 0, noArguments, 0, name('Stp'));
      const result = unwrap(processed, 'imports');
      const env = field(result, 0);
      forgetModule(env);
      M._lean_mark_persistent(processed);
      const [, rest] = divided(text, field(field(pair, 1), 0));
      const errors = readMessages(field(result, 1), { lead: 0 });
      if (rest.trim()) errors.push('the imports hold more than imports');
      return { env, errors, theorems: new Map(), axioms: new Map() };
    }, () => {});
  }

  // The first messages of that severity (0 information, 1 warning, 2 error) and above.
  function readMessages(log, { lead, severity = ERROR, most = MAX_MESSAGES }) {
    inc(log);
    const items = M._l_Lean_MessageLog_toArray(log);
    const chosen = array(items).filter((item) => scalarByte(item, 1) >= severity).slice(0, most);
    const texts = chosen.map((item) => {
      inc(item);
      const shown = M._l_Lean_Message_toString(item, 0);
      const text = readString(tag(shown) === 249 ? shown : field(shown, 0));
      dec(shown);
      return text.replace(/^<in>:(\d+):/, (_, row) => (row > lead ? `${row - lead}:` : `header:${row}:`)).trim().slice(0, MAX_MESSAGE);
    });
    dec(items);
    return texts;
  }

  // The parser at the first character of a text.
  function textBegin() {
    if (!begin) {
      const parsed = M._l_Lean_Parser_parseHeader(inputContext('end'));
      M._lean_mark_persistent(parsed);
      begin = field(field(unwrap(parsed, 'parser'), 1), 0);
    }
    return inc(begin);
  }

  // Lets Lean elaborate `text` from `state`, which it consumes; the caller owns the resulting `state`. Who asks for one message
  // gets the first error, and nothing after it is elaborated. `threads`: Lean is asked to leave parts to other threads, and its
  // own driver waits for what those have to say.
  function run(text, state, { lead = 0, severity, most = MAX_MESSAGES, threads = false } = {}) {
    const input = inputContext(text);
    const { after, commands, logs } = clock.elaborating(() => (threads ? drive(input, state) : eachCommand(input, state, most === 1)));
    const messages = [];
    clock.printing(() => logs.forEach((log) => {
      if (messages.length < most) messages.push(...readMessages(log, { lead, severity, most: most - messages.length }));
      dec(log);
    }));
    return { state: after, messages, commands };
  }

  function drive(input, state) {
    const ran = M._l_Lean_Elab_IO_processCommands(input, textBegin(), state);
    const frontend = unwrap(ran, 'elaboration');
    const after = inc(field(frontend, 0));
    const commands = array(field(frontend, 3)).length;
    dec(ran);
    return { after, commands, logs: [inc(field(after, 1))] };
  }

  // Elaborates in this thread, command after command: what Lean's own driver leaves to others, and shares with them, costs
  // more to count references of.
  function eachCommand(input, first, once) {
    const hasErrors = (log) => M._l_Lean_MessageLog_hasErrors(log) !== 0;
    const logs = [];
    let parser = textBegin();
    let state = first;
    for (let commands = 1; ; commands += 1) {
      const start = field(parser, 0);
      const { syntax, next, said } = parse(input, parser, state);
      parser = next;
      logs.push(said);
      let ends = M._l_Lean_Parser_isTerminalCommand(inc(syntax)) !== 0;
      if (once && hasErrors(said)) {
        dec(syntax);
        ends = true;
      } else {
        // Lean.Elab.Frontend.State: command state, parser state, position, commands.
        const ref = M._lean_st_mk_ref(constructor(0, [withLog(state, inc(said)), inc(parser), start, inc(noArguments)]));
        const ran = M._l_Lean_Elab_Frontend_elabCommandAtFrontend(syntax, input, ref); // takes only the syntax
        if (!isScalar(ran)) unwrap(ran, 'elaboration');
        dec(ran);
        const frontend = M._lean_st_ref_get(ref);
        dec(ref);
        state = inc(field(frontend, 0));
        dec(frontend);
        const log = field(state, 1);
        ends = ends || (once && hasErrors(log));
        logs.push(inc(log));
      }
      if (ends) {
        [parser, input].forEach(dec);
        return { after: state, commands, logs };
      }
    }
  }

  // The next command's syntax, the parser after it and what the parser said of it. Takes the parser.
  function parse(input, parser, state) {
    const scope = field(field(state, 2), 0); // of its header, options, namespace and opened namespaces
    const context = constructor(0, [field(state, 0), field(scope, 1), field(scope, 2), field(scope, 3)].map(inc));
    const parsed = M._l_Lean_Parser_parseCommand(inc(input), context, parser, inc(noMessages));
    const rest = field(parsed, 1);
    const parts = { syntax: inc(field(parsed, 0)), next: inc(field(rest, 0)), said: inc(field(rest, 1)) };
    dec(parsed);
    return parts;
  }

  // A command's state with another log; takes both.
  function withLog(state, log) {
    const parts = Array.from({ length: view().getUint8(state + 6) }, (_, i) => (i === 1 ? log : inc(field(state, i))));
    dec(state);
    return constructor(0, parts);
  }

  // Without information for editors, which nobody reads here.
  function initialState(env) {
    const state = M._l_Lean_Elab_Command_mkState(inc(env), inc(noMessages), options);
    const parts = Array.from({ length: view().getUint8(state + 6) }, (_, i) => inc(field(state, i)));
    dec(state);
    const information = parts[INFORMATION_STATE];
    parts[INFORMATION_STATE] = constructor(0, [0, 1, 2].map((i) => inc(field(information, i))), [0]);
    dec(information);
    return constructor(0, parts);
  }

  // What the texts of a header start from: the trusted options and the header's own lines, elaborated once. `ahead`:
  // lines that mean nothing without the theorem, such as `open Nat in`, and go before each text.
  function contextOf(header, kernel = !skipKernel) {
    return cached(contexts, CONTEXTS, `${kernel}\u0000${header}`, () => {
      const { imports, context, errors } = split(header);
      if (errors.length) return { errors };
      const base = environment(imports);
      if (base.errors.length) return { errors: base.errors };
      const threads = /async/.test(header);
      const bare = run([...trusted, kernel ? CHECKED : UNCHECKED, NO_CODE, ''].join('\n'), initialState(base.env)).state;
      if (!context.trim()) return started(bare, base.env, base, { ahead: '', threads });
      const lines = `${context}\n`;
      const { state, messages } = run(lines, inc(bare), { threads });
      const env = field(state, 0);
      const ahead = messages.length ? lines : '';
      const result = started(messages.length ? bare : inc(state), env, base, { ahead, threads });
      dec(state);
      if (!messages.length) dec(bare);
      return result;
    }, (old) => old.state && [old.state, old.env].forEach(dec));
  }

  function started(state, env, base, lines) {
    return { state, env: inc(env), base, ...lines, errors: [], axioms: new Map() };
  }

  // Elaborates `text` below the header; the caller owns the resulting `env`.
  function elaborate(header, text, { kernel, ...wanted } = {}) {
    const { state, ahead, threads, errors } = contextOf(header, kernel);
    if (errors.length) return { env: box(0), messages: errors, commands: 0 };
    const after = run(`${ahead}${text}\n`, inc(state), { lead: ahead.split('\n').length - 1, threads, ...wanted });
    const result = { ...after, env: inc(field(after.state, 0)) };
    dec(after.state);
    return result;
  }

  // How many commands a text has below a header.
  function count({ state, ahead, threads }, text) {
    const { state: after, commands } = run(`${ahead}${text}\n`, inc(state), { threads });
    dec(after);
    return commands;
  }

  // The text of the theorem that a statement and a proof make.
  function theoremText(signature, proof) {
    const joined = /^\s*\|/.test(proof) ? `\n${proof}` : ` := ${proof}`;
    return `theorem _root_.${TARGET} ${signature}${joined}`;
  }

  return { environment, contextOf, elaborate, count, theoremText, forgetModule };
}

module.exports = { makeSession, TARGET, INFORMATION, NO_CODE };
