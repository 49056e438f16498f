'use strict';
// Elaborating texts with Lean: environments of imports, contexts of headers, commands one after the other, messages.

const TARGET = 'stp_target';
// Lean.MessageSeverity.
const INFORMATION = 0;
const ERROR = 2;
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

function makeSession(lean, { maxHeartbeats, skipKernel }, clock) {
  const { M, view, isScalar, tag, field, box, inc, dec, readString, array, name, unwrap, inputContext, scalarByte } = lean;
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

  // A header's imports give the environment, its other lines stand before every theorem.
  function split(header) {
    const lines = header.split('\n');
    const isImport = (line) => /^\s*(public\s+|meta\s+)*import\s/.test(line);
    return { imports: lines.filter(isImport).join('\n'), context: lines.filter((line) => !isImport(line)) };
  }

  // This build's library is that of modules, and an environment made of it takes every text for a module, whose
  // definitions hide their bodies. A plain text is none.
  function forgetModule(env) {
    const header = M._l_Lean_Environment_header(inc(env));
    view().setUint8(header + 8 + 4 * view().getUint8(header + 6) + 4, 0);
    dec(header);
  }

  function environment(imports) {
    return cached(environments, ENVIRONMENTS, imports, () => {
      const context = inputContext(`${imports}\n`);
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
      return { env, errors: readMessages(field(result, 1), { lead: 0 }), theorems: new Map(), axioms: new Map() };
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
      return text.replace(/^<in>:(\d+):/, (_, row) => `${Number(row) - lead}:`).trim().slice(0, MAX_MESSAGE);
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

  // Lets Lean elaborate `text` from `state`, which it consumes; the caller owns the resulting `state`.
  function run(text, state, { lead = 0, severity, most } = {}) {
    const ran = clock.elaborating(() => M._l_Lean_Elab_IO_processCommands(inputContext(text), textBegin(), state));
    const frontend = unwrap(ran, 'elaboration');
    const after = inc(field(frontend, 0));
    const commands = array(field(frontend, 3)).length;
    const messages = clock.printing(() => readMessages(field(after, 1), { lead, severity, most }));
    dec(ran);
    return { state: after, messages, commands };
  }

  function initialState(env) {
    return M._l_Lean_Elab_Command_mkState(inc(env), inc(noMessages), options);
  }

  // What the texts of a header start from: the trusted options and the header's own lines, elaborated once. `ahead`:
  // lines that mean nothing without the theorem, such as `open Nat in`, and go before each text.
  function contextOf(header, kernel = !skipKernel) {
    return cached(contexts, CONTEXTS, `${kernel}\u0000${header}`, () => {
      const { imports, context } = split(header);
      const base = environment(imports);
      if (base.errors.length) return { errors: base.errors };
      const bare = run([...trusted, kernel ? CHECKED : UNCHECKED, NO_CODE, ''].join('\n'), initialState(base.env)).state;
      if (!context.some((line) => line.trim())) return started(bare, base.env, base, '');
      const lines = `${context.join('\n')}\n`;
      const { state, messages } = run(lines, inc(bare));
      const env = field(state, 0);
      const result = messages.length ? started(bare, env, base, lines) : started(inc(state), env, base, '');
      dec(state);
      if (!messages.length) dec(bare);
      return result;
    }, (old) => old.state && [old.state, old.env].forEach(dec));
  }

  function started(state, env, base, ahead) {
    return { state, env: inc(env), base, ahead, errors: [], axioms: new Map() };
  }

  // Elaborates `text` below the header; the caller owns the resulting `env`.
  function elaborate(header, text, { kernel, ...wanted } = {}) {
    const { state, ahead, errors } = contextOf(header, kernel);
    if (errors.length) return { env: box(0), messages: errors, commands: 0 };
    const after = run(`${ahead}${text}\n`, inc(state), { lead: ahead.split('\n').length - 1, ...wanted });
    const result = { ...after, env: inc(field(after.state, 0)) };
    dec(after.state);
    return result;
  }

  // How many commands a text has below a header.
  function count({ state, ahead }, text) {
    const { state: after, commands } = run(`${ahead}${text}\n`, inc(state));
    dec(after);
    return commands;
  }

  // The text of the theorem that a statement and a proof make.
  function theoremText(signature, proof) {
    const joined = /^\s*\|/.test(proof) ? `\n${proof}` : ` := ${proof}`;
    return `theorem _root_.${TARGET} ${signature}${joined}`;
  }

  return { environment, contextOf, elaborate, count, split, theoremText, forgetModule };
}

module.exports = { makeSession, TARGET, INFORMATION, NO_CODE };
