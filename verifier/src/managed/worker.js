'use strict';
// The managed worker: keeps Lean loaded and answers one JSON line with one JSON line.
// Usage: node --stack-size=4000 worker.js LEAN_JS LIBRARY MAX_HEARTBEATS
// Answers start with `@stp `; whatever else the build prints is noise.

const fs = require('fs');
const { Worker } = require('worker_threads');
const { start, describe } = require('./runtime.js');
const { makeExpressions } = require('./expressions.js');
const { makeReplay } = require('./replay.js');
const { isNamed, wordsOf } = require('./words.js');
const { makeFileOp, seal } = require('./file-op.js');

const [leanJs, library, maxHeartbeats] = process.argv.slice(2);
const TARGET = 'stp_target';
const OPTIONS = [
  `set_option maxHeartbeats ${Number(maxHeartbeats)}`,
  'set_option autoImplicit false',
  'set_option relaxedAutoImplicit false',
  'set_option Elab.async false',
  'set_option linter.all false', // nobody reads warnings
  'public section',
];
// What elaboration skips is made up for by the replay, in an environment that the proof has not touched.
const UNCHECKED = 'set_option debug.skipKernelTC true';
const CHECKED = 'set_option debug.skipKernelTC false';
const STANDARD_AXIOMS = new Set(['propext', 'Quot.sound', 'Classical.choice']);
// In this build imported theorems carry no proof and look like axioms; these really are.
const OTHER_AXIOMS = /^(sorryAx|lcProof|lcUnreachable|lcAny|Lean\.(ofReduceBool|ofReduceNat|trustCompiler|reduceBool|reduceNat))$/;
const PLUMBING =
  /^(Lean|Std\.Tactic|Classical\.choice|propext|Quot\.sound|Eq\.|HEq\.|Iff\.|congr|eq_self|of_eq|eq_true|eq_false|id$|rfl$|absurd|False\.|True\.|And\.|Or\.|Not\.|implies_|forall_|ne_|not_false|trivial)|(^|\.)(_|match_|proof_|eq_\d|injEq|sizeOf|noConfusion|brecOn|casesOn|recOn|rec$|below|congr_simp|eq_def|inj$)/;
// Lean.MessageSeverity.
const INFORMATION = 0;
const ERROR = 2;
const MAX_MESSAGE = 2000;
const MAX_MESSAGES = 5;
const ENVIRONMENTS = 4;
const CONTEXTS = 16;

// CPU time of Lean's elaborator and kernel on the candidate, in microseconds: what the judge's own work is measured
// against. It is the whole process's, because Lean elaborates in threads of its own.
let leanTime = 0;
let printTime = 0; // the same of its printer of errors
function cpuTimeOf(work) {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return [result, user + system];
}
function timed(work) {
  const [result, time] = cpuTimeOf(work);
  leanTime += time;
  return result;
}
function timedPrinting(work) {
  const [result, time] = cpuTimeOf(work);
  printTime += time;
  return result;
}

function reply(value) {
  const line = Buffer.from(`@stp ${JSON.stringify(value)}\n`);
  // A pipe takes a long line in pieces, and none while it is full.
  for (let at = 0; at < line.length; ) {
    try {
      at += fs.writeSync(1, line, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

// The main thread is blocked while Lean works, so a second one sees to it that no orphan stays.
new Worker(
  `const parent = process.ppid;
   setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 500);`,
  { eval: true },
);

start(leanJs, library, serve, (error) => {
  reply({ fatal: describe(error) });
  process.exit(3);
});

function serve(lean) {
  seal(lean);
  const judge = makeJudge(lean);
  judge.warmUp();
  let pending = '';
  process.stdin.on('data', (chunk) => {
    pending += chunk;
    for (let end; (end = pending.indexOf('\n')) >= 0; ) {
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      answer(judge, line);
    }
  });
  process.stdin.on('end', () => process.exit(0));
  reply({ ready: true, rss: process.memoryUsage.rss() });
}

function answer(judge, line) {
  const request = JSON.parse(line);
  const began = process.hrtime.bigint();
  leanTime = 0;
  printTime = 0;
  let body;
  try {
    body = judge[request.op](request);
  } catch (error) {
    // After a trap nothing in the WebAssembly memory can be trusted.
    reply({ id: request.id, crashed: describe(error) });
    process.exit(3);
  }
  const elapsed_ms = Number((process.hrtime.bigint() - began) / 1000000n);
  reply({ id: request.id, ...body, elapsed_ms, lean_us: leanTime, print_us: printTime, rss: process.memoryUsage.rss() });
}

function makeJudge(lean) {
  const { M, view, isScalar, tag, field, box, inc, dec, readString, array, name, readName, unwrap, inputContext } = lean;
  const options = M._lean_internal_get_default_options(box(0));
  const noArguments = M._lean_array_mk(box(0));
  M._lean_mark_persistent(options);
  M._lean_mark_persistent(noArguments);
  const { fingerprint, constants, readLevels } = makeExpressions(lean);
  const { replay, stranger, declaredNames, importedTheorems } = makeReplay({ ...lean, constants }, TARGET, timed);
  let noMessages;
  let begin;
  const environments = new Map();
  const contexts = new Map();

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

  function environment(imports) {
    return cached(environments, ENVIRONMENTS, imports, () => {
      const context = inputContext(imports + '\n');
      inc(context);
      const parsed = M._l_Lean_Parser_parseHeader(context);
      const pair = unwrap(parsed, 'header');
      M._lean_mark_persistent(parsed);
      const messages = field(field(pair, 1), 1);
      noMessages = noMessages || messages;
      const processed = M._l_Lean_Elab_processHeader(field(pair, 0), options, messages, context, 0, noArguments, 0, name('Stp'));
      const result = unwrap(processed, 'imports');
      M._lean_mark_persistent(processed);
      return { env: field(result, 0), errors: readMessages(field(result, 1), ERROR), theorems: new Map() };
    }, () => {});
  }

  // The first messages of that severity (0 information, 1 warning, 2 error) and above.
  function readMessages(log, least, most = MAX_MESSAGES) {
    inc(log);
    const items = M._l_Lean_MessageLog_toArray(log);
    const severityOf = (item) => view().getUint8(item + 8 + 4 * view().getUint8(item + 6) + 1);
    const chosen = array(items).filter((item) => severityOf(item) >= least).slice(0, most);
    const texts = chosen.map((item) => {
      inc(item);
      const shown = M._l_Lean_Message_toString(item, 0);
      const text = readString(tag(shown) === 249 ? shown : field(shown, 0));
      dec(shown);
      return text;
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
  function run(text, state, { lead = 0, severity = ERROR, most = MAX_MESSAGES } = {}) {
    const ran = timed(() => M._l_Lean_Elab_IO_processCommands(inputContext(text), textBegin(), state));
    const frontend = unwrap(ran, 'elaboration');
    const after = inc(field(frontend, 0));
    const commands = array(field(frontend, 3)).length;
    const messages = timedPrinting(() => readMessages(field(after, 1), severity, most)).map((text) =>
      text
        .replace(/^<in>:(\d+):/, (_, row) => `${Number(row) - lead}:`)
        .trim()
        .slice(0, MAX_MESSAGE),
    );
    dec(ran);
    return { state: after, messages, commands };
  }

  // What the texts of a header start from: the trusted options and the header's own lines, elaborated once. `env` and
  // the `names` declared in it are what a proof finds. `ahead`: lines that mean nothing without the theorem, such as
  // `open Nat in`, and go before each text.
  function contextOf(header, kernel = false) {
    return cached(contexts, CONTEXTS, `${kernel}\u0000${header}`, () => {
      const { imports, context } = split(header);
      const base = environment(imports);
      if (base.errors.length) return { errors: base.errors };
      const start = M._l_Lean_Elab_Command_mkState(inc(base.env), inc(noMessages), options);
      const trusted = [...OPTIONS, kernel ? CHECKED : UNCHECKED, ''].join('\n');
      const bare = run(trusted, start).state;
      if (!context.some((line) => line.trim())) return started(bare, base.env, '');
      const lines = `${context.join('\n')}\n`;
      const { state, messages } = run(lines, inc(bare));
      const env = field(state, 0);
      const result = messages.length ? started(bare, env, lines) : started(inc(state), env, '');
      dec(state);
      if (!messages.length) dec(bare);
      return result;
    }, (old) => old.state && [old.state, old.env].forEach(dec));
  }

  function started(state, env, ahead) {
    return { state, env: inc(env), names: declaredNames(env), ahead, errors: [], axioms: new Map() };
  }

  // Elaborates `text` below the header; the caller owns the resulting `env`.
  function elaborate(header, text, { kernel = false, ...wanted } = {}) {
    const { state, ahead, errors } = contextOf(header, kernel);
    if (errors.length) return { env: box(0), messages: errors, commands: 0 };
    const after = run(`${ahead}${text}\n`, inc(state), { lead: ahead.split('\n').length - 1, ...wanted });
    const result = { ...after, env: inc(field(after.state, 0)) };
    dec(after.state);
    return result;
  }

  function find(env, constant) {
    inc(env);
    return M._l_Lean_Environment_find_x3f(env, constant, 0);
  }

  // { info, value, type, levels } of a constant, kept alive by `option`, or null.
  function lookUp(env, text) {
    const option = find(env, name(text));
    if (isScalar(option)) return null;
    const info = field(option, 0);
    const val = field(info, 0);
    const constant = field(val, 0);
    return { option, kind: tag(info), levels: field(constant, 1), type: field(constant, 2), val };
  }

  // What tells the theorem of a statement from others: its type, universes and number of commands.
  function reference(header, signature) {
    const before = leanTime;
    const { env, messages, commands } = elaborate(header, `theorem _root_.${TARGET} ${signature} := sorry`);
    leanTime = before;
    try {
      const found = messages.length ? null : lookUp(env, TARGET);
      if (!found) return { errors: messages.length ? messages : ['the statement declares no theorem'] };
      const made = { fingerprint: fingerprint(found.type), levels: readLevels(found.levels), commands };
      dec(found.option);
      return { made };
    } finally {
      dec(env);
    }
  }

  // Kinds of ConstantInfo: 0 axiom (imported theorems of this build among them), 2 theorem.
  function isLibraryTheorem({ env, theorems }, text) {
    const known = theorems.get(text);
    if (known !== undefined) return known;
    const found = lookUp(env, text);
    const answer = found !== null && (found.kind === 0 || found.kind === 2);
    if (found) dec(found.option);
    theorems.set(text, answer);
    return answer;
  }

  // The library's theorems in a proof: those that its text names, and those that only its term shows.
  function premises(base, env, root, proof) {
    const seen = new Set();
    const note = (constant) => seen.add(readName(constant));
    constants(root, note, false);
    const named = [];
    const implicit = [];
    const words = wordsOf(proof);
    for (const text of seen) {
      if (text.startsWith(`${TARGET}.`) || text.startsWith('_private.')) {
        const helper = lookUp(env, text);
        if (helper && (helper.kind === 1 || helper.kind === 2)) constants(field(helper.val, 1), note, false);
        if (helper) dec(helper.option);
      } else if (!PLUMBING.test(text) && isLibraryTheorem(base, text)) {
        (isNamed(text, words) ? named : implicit).push(text);
      }
    }
    return { premises: named.sort(), implicit_premises: implicit.sort() };
  }

  // The axioms below a constant, library theorems left out.
  function axiomsOf(base, env, constant) {
    const state = M._lean_alloc_object(16);
    view().setInt32(state, 1, true);
    view().setUint16(state + 4, 16, true);
    view().setUint8(state + 6, 2);
    view().setUint8(state + 7, 0);
    view().setUint32(state + 8, box(1), true);
    inc(noArguments);
    view().setUint32(state + 12, noArguments, true);
    const result = M._l_Lean_CollectAxioms_collect(inc(constant), inc(env), state);
    const names = array(field(field(result, 1), 1)).map(readName);
    dec(result);
    return names.filter((text) => STANDARD_AXIOMS.has(text) || OTHER_AXIOMS.test(text) || !isLibraryTheorem(base, text));
  }

  // The axioms below what a proof rests on; what was there before the proof has the same ones for all proofs.
  function axiomsBelow(header, rests) {
    const { env, axioms } = contextOf(header);
    const all = new Set();
    for (const [text, constant] of rests) {
      if (!axioms.has(text)) axioms.set(text, axiomsOf(environment(split(header).imports), env, constant));
      axioms.get(text).forEach((axiom) => all.add(axiom));
    }
    return [...all].sort();
  }

  function check({ header, signature, proof, reference: known, messages: most }) {
    const { made, errors } = known ? { made: known } : reference(header, signature);
    if (errors) return { status: 'statement_error', messages: errors };
    // A tactic that asks the kernel itself must get its answer at once.
    const kernel = /kernel/.test(proof);
    const result = elaborate(header, `theorem _root_.${TARGET} ${signature} := ${proof}`, { kernel, most });
    try {
      const verdict = result.messages.length
        ? { status: 'failed', messages: result.messages }
        : judge(header, made, result, proof);
      return known ? verdict : { ...verdict, reference: made };
    } finally {
      dec(result.env);
    }
  }

  // The verdict on a text that Lean had nothing against.
  function judge(header, wanted, { env, commands }, proof) {
    const rejected = (reason) => ({ status: 'rejected', messages: [reason] });
    if (commands !== wanted.commands) return rejected('the proof is more than one declaration');
    const found = lookUp(env, TARGET);
    if (!found) return rejected('the proof declares no theorem');
    try {
      if (found.kind !== 2) return rejected('the proof does not declare a theorem');
      if (fingerprint(found.type) !== wanted.fingerprint || readLevels(found.levels) !== wanted.levels) {
        return rejected('the theorem proved is not the statement asked for');
      }
      const start = contextOf(header);
      const root = field(field(found.val, 0), 0);
      const { refused, declares, rests } = replay(start.env, env, root, Number(maxHeartbeats) * 1000);
      if (refused) return { status: 'failed', messages: [refused] };
      const strange = declares || stranger(start.env, env, start.names);
      if (strange) return rejected(strange);
      const used = axiomsBelow(header, rests);
      const bad = used.filter((text) => !STANDARD_AXIOMS.has(text));
      if (bad.length) return { ...rejected(`it depends on ${bad.join(', ')}`), axioms: used };
      return { status: 'proved', axioms: used, ...premises(environment(split(header).imports), env, field(found.val, 1), proof) };
    } finally {
      dec(found.option);
    }
  }

  function statement({ header, signature }) {
    const { made, errors } = reference(header, signature);
    return errors ? { ok: false, messages: errors } : { ok: true, messages: [], fingerprint: made.fingerprint, reference: made };
  }

  function signatures({ names }) {
    const signature = (text) => {
      const { env, messages } = elaborate('', `#check ${text}`, { severity: INFORMATION });
      dec(env);
      if (!messages.length) return null;
      const flat = messages[0].replace(/^\d+:\d+: (info: )?/, '').replace(/\s+/g, ' ').trim();
      return flat.startsWith(text) ? flat.slice(text.length).replace(/^\.\{[^}]*\}/, '').trim() : null;
    };
    return { signatures: names.map(signature) };
  }

  function theorems() {
    return { theorems: importedTheorems(environment('').env) };
  }

  // The first use of a tactic compiles a part of the 137 MB build: better before the first check.
  function warmUp() {
    for (const proof of ['by omega', 'by simp [Nat.add_comm]', 'by\n  induction a with\n  | zero => simp\n  | succ n ih => omega']) {
      check({ header: '', signature: '(a b : Nat) : a + b = b + a', proof });
    }
  }

  const file = makeFileOp(lean, Number(maxHeartbeats), () => environment(''));
  return { check, statement, signatures, theorems, file, warmUp };
}
