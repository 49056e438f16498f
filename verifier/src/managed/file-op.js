'use strict';
// The worker's operation `file`: elaborates a whole Lean text, with its own imports and from a clean
// environment, and answers as the Lean REPL does: all messages and all sorries, placed in the given text.
// Object layouts are those of runtime.js; field numbers are the declaration order of Lean's structures.

const SEVERITY = ['info', 'warning', 'error'];
const MAX_TEXT = 20000; // characters of one message or goal
const MAX_MESSAGES = 500;
const MAX_SORRIES = 100;
const MAX_NODES = 200000; // of one command's info tree
const ENVIRONMENTS = 2;
const SORRY_KINDS = new Set(['Lean.Parser.Term.sorry', 'Lean.Parser.Tactic.tacticSorry', 'Lean.Parser.Tactic.tacticAdmit']);
const WIDTH = 120; // columns of a printed goal, Lean's default
// Imported theorems carry no proof in this build, so Lean lists them like axioms; they are left out of its answer.
const LISTED = /^('[^']+') depends on axioms: \[([^\]]*)\]$/;
const AXIOMS = /^(propext|Quot\.sound|Classical\.choice|sorryAx|Lean\.(ofReduceBool|ofReduceNat|trustCompiler))$/;

const { makeImports } = require('./imports.js');
const { position } = require('./source-op.js');

// Narrows what code of a text can do with the library: its files become read-only, and of the symbols that are
// exported by name, Lean's own only are found.
function seal({ X: { FS, NODEFS, LDSO } }) {
  const refuse = () => {
    throw new FS.ErrnoError(69); // EROFS
  };
  for (const operation of ['setattr', 'mknod', 'rename', 'unlink', 'rmdir', 'symlink']) NODEFS.node_ops[operation] = refuse;
  NODEFS.stream_ops.write = refuse;
  const open = NODEFS.stream_ops.open;
  NODEFS.stream_ops.open = (stream) => ((stream.flags & 0o1003) === 0 ? open(stream) : refuse());
  for (const handle of Object.values(LDSO.loadedLibsByHandle)) {
    const lean = Object.entries(handle.exports).filter(([key]) => /^(l_|lean_|_?init)/.test(key));
    handle.exports = Object.fromEntries(lean);
  }
}

// `emptyBase` gives { env } of a text without imports.
function makeFileOp(lean, maxHeartbeats, emptyBase, forgetModule) {
  const { M, view, isScalar, tag, field, box, inc, dec, readString, array, name, readName, unwrap, inputContext, constructor } = lean;
  const { words } = makeImports(lean);
  let options = M._lean_internal_get_default_options(box(0));
  options = M._l_Lean_KVMap_setNat(options, name('maxHeartbeats'), box(maxHeartbeats));
  options = M._l_Lean_KVMap_setBool(options, name('Elab.async'), 0);
  const noItems = M._lean_array_mk(box(0));
  M._lean_mark_persistent(options);
  M._lean_mark_persistent(noItems);
  const environments = new Map();

  const fields = (p) => Array.from({ length: view().getUint8(p + 6) }, (_, i) => field(p, i));
  const natural = (p) => p >>> 1;

  function file({ code: written }) {
    const code = written.replace(/\r\n/g, '\n'); // as Lean counts its positions
    const source = Buffer.from(code, 'utf8');
    const input = inputContext(code);
    inc(input);
    const parsed = M._l_Lean_Parser_parseHeader(input);
    const triple = unwrap(parsed, 'header');
    const state = field(field(triple, 1), 0);
    const log = field(field(triple, 1), 1);
    const lead = readMessages(log);
    if (lead.some(isError)) return { messages: lead, sorries: [] };
    const base = environment(field(triple, 0), log, input);
    if (base.messages.some(isError)) return { messages: base.messages, sorries: [] };
    inc(input);
    inc(base.env);
    inc(log);
    const command = M._l_Lean_Elab_Command_mkState(base.env, log, options);
    const ran = M._l_Lean_Elab_IO_processCommands(input, inc(state), command);
    const final = field(unwrap(ran, 'elaboration'), 0);
    const messages = readMessages(field(final, 1));
    answerAxioms(messages, base.env);
    const sorries = readSorries(source, final);
    dec(ran);
    dec(parsed);
    return { messages, sorries };
  }

  const isError = (message) => message.severity === 'error';

  // The environment that a header's imports give, and what Lean says of them.
  function environment(syntax, log, input) {
    const key = words(syntax).join(' ');
    if (key === '') return { env: emptyBase().env, messages: [] };
    const known = environments.get(key);
    if (known) return known;
    inc(syntax);
    inc(log);
    inc(input);
    const processed = M._l_Lean_Elab_processHeader(syntax, options, log, input, 0, noItems, 0, name('Stp'));
    const result = unwrap(processed, 'imports');
    if (!M._l_Lean_Elab_HeaderSyntax_isModule(syntax)) forgetModule(field(result, 0));
    const made = { env: field(result, 0), messages: readMessages(field(result, 1)) };
    if (made.messages.some(isError)) return made;
    M._lean_mark_persistent(processed);
    if (environments.size >= ENVIRONMENTS) environments.delete(environments.keys().next().value);
    environments.set(key, made);
    return made;
  }

  function text(p) {
    const value = readString(p);
    return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  }

  function readMessages(log) {
    inc(log);
    const items = M._l_Lean_MessageLog_toArray(log);
    const position = (p) => ({ line: natural(field(p, 0)), column: natural(field(p, 1)) });
    const messages = array(items).slice(0, MAX_MESSAGES).map((item) => {
      // Object fields: file name, start, end, caption, data; then bytes: keepFullRange, severity.
      const severity = SEVERITY[view().getUint8(item + 8 + 4 * view().getUint8(item + 6) + 1)];
      const end = field(item, 2);
      const shown = M._l_Lean_MessageData_toString(inc(field(item, 4)), 0);
      const data = text(tag(shown) === 249 ? shown : field(shown, 0)).trim();
      dec(shown);
      return { severity, pos: position(field(item, 1)), endPos: isScalar(end) ? null : position(field(end, 0)), data };
    });
    dec(items);
    return messages;
  }

  function answerAxioms(messages, base) {
    for (const message of messages) {
      const listed = LISTED.exec(message.data);
      if (!listed) continue;
      const names = listed[2].split(/,\s*/).filter((text) => AXIOMS.test(text) || !knows(base, text));
      const said = names.length ? `depends on axioms: [${names.join(', ')}]` : 'does not depend on any axioms';
      message.data = `${listed[1]} ${said}`;
    }
  }

  function knows(env, text) {
    const option = M._l_Lean_Environment_find_x3f(inc(env), name(text), 0);
    const known = !isScalar(option);
    dec(option);
    return known;
  }

  // Walks the info trees of all commands for sorries that stand in the text.
  function readSorries(source, final) {
    const found = new Map();
    // Of the command's state the ninth field holds the information, whose third field is the trees.
    const trees = field(field(final, 8), 2);
    const budget = { nodes: MAX_NODES };
    for (const tree of persistentArray(trees)) walk(tree, null, found, budget);
    return [...found.values()]
      .sort((a, b) => a.start - b.start)
      .map(({ start, end, goal }) => ({ pos: position(source, start), endPos: position(source, end), goal }));
  }

  function persistentArray(p) {
    const node = (q) => (tag(q) === 0 ? array(field(q, 0)).flatMap(node) : array(field(q, 0)));
    return [...node(field(p, 0)), ...array(field(p, 1))];
  }

  function walk(tree, context, found, budget) {
    if (isScalar(tree) || budget.nodes-- <= 0 || found.size >= MAX_SORRIES) return;
    if (tag(tree) === 0) {
      const partial = field(tree, 0);
      walk(field(tree, 1), tag(partial) === 0 ? field(partial, 0) : context, found, budget);
    } else if (tag(tree) === 1) {
      const info = field(tree, 0);
      if (context !== null && (tag(info) === 0 || tag(info) === 1)) note(info, context, found);
      for (const child of persistentArray(field(tree, 1))) walk(child, context, found, budget);
    }
  }

  function note(info, context, found) {
    const data = field(info, 0);
    const syntax = field(field(data, 0), 1);
    if (isScalar(syntax) || tag(syntax) !== 1 || !SORRY_KINDS.has(readName(field(syntax, 1)))) return;
    const atom = array(field(syntax, 2))[0];
    const source = atom !== undefined && !isScalar(atom) && tag(atom) === 2 ? field(atom, 0) : box(0);
    // Only what the text itself holds: made-up syntax has no original place.
    if (isScalar(source) || tag(source) !== 0) return;
    const [start, end] = [natural(field(source, 1)), natural(field(source, 3))];
    if (found.has(start)) return;
    const goal = tag(info) === 0 ? tacticGoal(data, context) : termGoal(data, context);
    if (goal !== null) found.set(start, { start, end, goal });
  }

  function tacticGoal(data, context) {
    const goals = field(data, 2);
    return isScalar(goals) ? null : printGoal(context, inc(field(data, 1)), inc(field(goals, 0)));
  }

  function termGoal(data, context) {
    const type = field(data, 2);
    if (isScalar(type)) return null;
    const hole = name('stp_sorry');
    inc(hole);
    inc(noItems);
    const mctx = M._l_Lean_MetavarContext_addExprMVarDecl(
      inc(field(context, 3)), hole, box(0), inc(field(data, 1)), noItems, inc(field(type, 0)), 0, box(0),
    );
    return printGoal(context, mctx, hole);
  }

  // Takes `mctx` and `goal`. CommandContextInfo: env, cmdEnv?, fileMap, mctx, options, namespace, openDecls, ngen.
  function printGoal(context, mctx, goal) {
    const parts = fields(context).map((value, i) => (i === 3 ? mctx : inc(value)));
    const whole = constructor(0, [constructor(0, parts), box(0), inc(noItems)]);
    const printed = M._l_Lean_Elab_ContextInfo_ppGoals(whole, constructor(1, [goal, box(0)]));
    if (tag(printed) !== 0) return '';
    const shown = M._l_Std_Format_pretty(inc(field(printed, 0)), box(WIDTH), box(0), box(0));
    const goalText = text(shown).trim();
    dec(shown);
    dec(printed);
    return goalText;
  }

  return { file, environment, readMessages };
}

module.exports = { makeFileOp, seal };
