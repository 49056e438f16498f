'use strict';
// The managed worker: keeps Lean loaded and answers one JSON line with one JSON line.
// Usage: node --stack-size=4000 worker.js LEAN_JS LIBRARY MAX_HEARTBEATS
// Answers start with `@stp `; whatever else the build prints is noise.

const fs = require('fs');
const crypto = require('crypto');
const { Worker } = require('worker_threads');
const { start, describe } = require('./runtime.js');
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
  'public section',
];
// What elaboration skips is made up for by the replay, in an environment that the proof has not touched.
const UNCHECKED = 'set_option debug.skipKernelTC true';
const STANDARD_AXIOMS = new Set(['propext', 'Quot.sound', 'Classical.choice']);
// In this build imported theorems carry no proof and look like axioms; these really are.
const OTHER_AXIOMS = /^(sorryAx|lcProof|lcUnreachable|lcAny|Lean\.(ofReduceBool|ofReduceNat|trustCompiler|reduceBool|reduceNat))$/;
const PLUMBING =
  /^(Lean|Std\.Tactic|Classical\.choice|propext|Quot\.sound|Eq\.|HEq\.|Iff\.|congr|eq_self|of_eq|eq_true|eq_false|id$|rfl$|absurd|False\.|True\.|And\.|Or\.|Not\.|implies_|forall_|ne_|not_false|trivial)|(^|\.)(_|match_|proof_|eq_\d|injEq|sizeOf|noConfusion|brecOn|casesOn|recOn|rec$|below|congr_simp|eq_def|inj$)/;
const MAX_MESSAGE = 2000;
const MAX_MESSAGES = 5;
const REFERENCES = 512;
const ENVIRONMENTS = 4;
const CONTEXTS = 16;

// CPU time of Lean's elaborator and kernel on the candidate, in microseconds: what the judge's own work is measured
// against. It is the whole process's, because Lean elaborates in threads of its own.
let leanTime = 0;
function timed(work) {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  leanTime += user + system;
  return result;
}

const reply = (value) => fs.writeSync(1, `@stp ${JSON.stringify(value)}\n`);

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
  let body;
  try {
    body = judge[request.op](request);
  } catch (error) {
    // After a trap nothing in the WebAssembly memory can be trusted.
    reply({ id: request.id, crashed: describe(error) });
    process.exit(3);
  }
  const elapsed_ms = Number((process.hrtime.bigint() - began) / 1000000n);
  reply({ id: request.id, ...body, elapsed_ms, lean_us: leanTime, rss: process.memoryUsage.rss() });
}

function makeJudge(lean) {
  const { M, view, isScalar, tag, field, box, inc, dec, readString, array, name, readName, unwrap, inputContext } = lean;
  const options = M._lean_internal_get_default_options(box(0));
  const noArguments = M._lean_array_mk(box(0));
  M._lean_mark_persistent(options);
  M._lean_mark_persistent(noArguments);
  const { replay, stranger, declaredNames } = makeReplay(lean, TARGET, timed);
  let noMessages;
  const environments = new Map();
  const contexts = new Map();
  const references = new Map();
  const theorems = new Map();

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
      const errors = readMessages(field(result, 1)).filter((message) => message.severity === 2);
      return { env: field(result, 0), errors: errors.map((message) => message.text) };
    }, () => {});
  }

  function readMessages(log) {
    inc(log);
    const items = M._l_Lean_MessageLog_toArray(log);
    const messages = array(items).map((item) => {
      const severity = view().getUint8(item + 8 + 4 * view().getUint8(item + 6) + 1);
      inc(item);
      const shown = M._l_Lean_Message_toString(item, 0);
      const text = readString(tag(shown) === 249 ? shown : field(shown, 0));
      dec(shown);
      return { severity, text };
    });
    dec(items);
    return messages;
  }

  // Elaborates `text` after the trusted options and context; the caller owns the resulting `env`.
  function elaborate(header, text, more = []) {
    const { imports, context } = split(header);
    const base = environment(imports);
    if (base.errors.length) return { env: inc(base.env), messages: base.errors, errors: base.errors, commands: 0 };
    const lead = [...OPTIONS, ...context, ...more];
    const input = inputContext(`${lead.join('\n')}\n${text}\n`);
    inc(input);
    const parsed = M._l_Lean_Parser_parseHeader(input);
    const state = inc(field(field(unwrap(parsed, 'parser'), 1), 0));
    dec(parsed);
    inc(base.env);
    inc(noMessages);
    const command = M._l_Lean_Elab_Command_mkState(base.env, noMessages, options);
    const ran = timed(() => M._l_Lean_Elab_IO_processCommands(input, state, command));
    const final = field(unwrap(ran, 'elaboration'), 0);
    const env = inc(field(final, 0));
    const commands = array(field(unwrap(ran, 'elaboration'), 3)).length;
    const all = readMessages(field(final, 1));
    dec(ran);
    const place = (message) =>
      message.text
        .replace(/^<in>:(\d+):/, (_, row) => `${Number(row) - lead.length}:`)
        .trim()
        .slice(0, MAX_MESSAGE);
    const errors = all.filter((message) => message.severity === 2).slice(0, MAX_MESSAGES).map(place);
    return { env, messages: all.map(place), errors, commands };
  }

  // The environment that a header leaves, and the names it declares: what a proof starts from.
  function contextOf(header) {
    return cached(contexts, CONTEXTS, header, () => {
      const { imports, context } = split(header);
      if (!context.some((line) => line.trim())) return { env: inc(environment(imports).env), names: new Set() };
      const { env } = elaborate(header, '');
      return { env, names: declaredNames(env) };
    }, (old) => dec(old.env));
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

  function reference(header, signature) {
    return cached(references, REFERENCES, `${header}\u0000${signature}`, () => {
      const before = leanTime;
      const { env, errors, commands } = elaborate(header, `theorem _root_.${TARGET} ${signature} := by sorry`, [UNCHECKED]);
      leanTime = before;
      const found = errors.length ? null : lookUp(env, TARGET);
      dec(env);
      if (!found) return { errors: errors.length ? errors : ['the statement declares no theorem'] };
      return { errors, found, commands, fingerprint: fingerprint(found.type) };
    }, (old) => old.found && dec(old.found.option));
  }

  // A hash of an expression that ignores bound names, binder kinds and metadata.
  function fingerprint(root) {
    const memo = new Map();
    const hash = (text) => crypto.createHash('sha256').update(text).digest('base64').slice(0, 20);
    const natural = (p) => (isScalar(p) ? String(p >>> 1) : readString(M._lean_big_nat_to_string ? M._lean_big_nat_to_string(p) : M._l_Nat_repr(inc(p))));
    const level = (p) => {
      if (isScalar(p)) return '0';
      const kind = tag(p);
      if (kind === 1) return `s${level(field(p, 0))}`;
      if (kind === 2 || kind === 3) return `${kind}(${level(field(p, 0))},${level(field(p, 1))})`;
      return `n${readName(field(p, 0))}`;
    };
    const levels = (p) => (isScalar(p) ? '' : `${level(field(p, 0))};${levels(field(p, 1))}`);
    const node = (e) => {
      switch (tag(e)) {
        case 0: return `b${natural(field(e, 0))}`;
        case 3: return `S${level(field(e, 0))}`;
        case 4: return `c${readName(field(e, 0))}{${levels(field(e, 1))}}`;
        case 5: return hash(`a${go(field(e, 0))} ${go(field(e, 1))}`);
        case 6: return hash(`l${go(field(e, 1))} ${go(field(e, 2))}`);
        case 7: return hash(`f${go(field(e, 1))} ${go(field(e, 2))}`);
        case 8: return hash(`t${go(field(e, 1))} ${go(field(e, 2))} ${go(field(e, 3))}`);
        case 9: {
          const literal = field(e, 0);
          return tag(literal) === 1 ? hash(`L${readString(field(literal, 0))}`) : `n${natural(field(literal, 0))}`;
        }
        case 10: return go(field(e, 1));
        case 11: return hash(`p${readName(field(e, 0))}.${natural(field(e, 1))} ${go(field(e, 2))}`);
        default: return `?${tag(e)}`;
      }
    };
    const go = (e) => {
      if (isScalar(e)) return `s${e}`;
      let value = memo.get(e);
      if (value === undefined) memo.set(e, (value = node(e)));
      return value;
    };
    return crypto.createHash('sha256').update(go(root)).digest('hex').slice(0, 24);
  }

  function constants(root, seen) {
    const visited = new Set();
    const stack = [root];
    while (stack.length) {
      const e = stack.pop();
      if (isScalar(e) || visited.has(e)) continue;
      visited.add(e);
      switch (tag(e)) {
        case 4: seen.add(readName(field(e, 0))); break;
        case 5: stack.push(field(e, 0), field(e, 1)); break;
        case 6: case 7: stack.push(field(e, 1), field(e, 2)); break;
        case 8: stack.push(field(e, 1), field(e, 2), field(e, 3)); break;
        case 10: stack.push(field(e, 1)); break;
        case 11: stack.push(field(e, 2)); break;
      }
    }
  }

  // Kinds of ConstantInfo: 0 axiom (imported theorems of this build among them), 2 theorem.
  function isLibraryTheorem(base, text) {
    const known = theorems.get(text);
    if (known !== undefined) return known;
    const found = lookUp(base, text);
    const answer = found !== null && (found.kind === 0 || found.kind === 2);
    if (found) dec(found.option);
    theorems.set(text, answer);
    return answer;
  }

  // The library's theorems in a proof: those that its text names, and those that only its term shows.
  function premises(base, env, root, proof) {
    const seen = new Set();
    constants(root, seen);
    const named = [];
    const implicit = [];
    const words = wordsOf(proof);
    for (const text of seen) {
      if (text.startsWith(`${TARGET}.`) || text.startsWith('_private.')) {
        const helper = lookUp(env, text);
        if (helper && (helper.kind === 1 || helper.kind === 2)) constants(field(helper.val, 1), seen);
        if (helper) dec(helper.option);
      } else if (!PLUMBING.test(text) && isLibraryTheorem(base, text)) {
        (isNamed(text, words) ? named : implicit).push(text);
      }
    }
    return { premises: named.sort(), implicit_premises: implicit.sort() };
  }

  function axioms(env) {
    const state = M._lean_alloc_object(16);
    view().setInt32(state, 1, true);
    view().setUint16(state + 4, 16, true);
    view().setUint8(state + 6, 2);
    view().setUint8(state + 7, 0);
    view().setUint32(state + 8, box(1), true);
    inc(noArguments);
    view().setUint32(state + 12, noArguments, true);
    inc(env);
    const result = M._l_Lean_CollectAxioms_collect(name(TARGET), env, state);
    const names = array(field(field(result, 1), 1)).map(readName);
    dec(result);
    return names;
  }

  function check({ header, signature, proof }) {
    const wanted = reference(header, signature);
    if (wanted.errors.length) return { status: 'statement_error', messages: wanted.errors };
    // A tactic that asks the kernel itself must get its answer at once.
    const more = [/kernel/.test(proof) ? 'set_option debug.skipKernelTC false' : UNCHECKED];
    const result = elaborate(header, `theorem _root_.${TARGET} ${signature} := ${proof}`, more);
    try {
      if (result.errors.length) return { status: 'failed', messages: result.errors };
      return judge(header, wanted, result, proof);
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
      if (!M._lean_expr_eqv(found.type, wanted.found.type) || readLevels(found) !== readLevels(wanted.found)) {
        return rejected('the theorem proved is not the statement asked for');
      }
      const start = contextOf(header);
      const root = field(field(found.val, 0), 0);
      const wrong = replay(start.env, env, root, Number(maxHeartbeats) * 1000);
      if (wrong && wrong.refused) return { status: 'failed', messages: [wrong.refused] };
      const declares = (wrong && wrong.declares) || stranger(start.env, env, start.names);
      if (declares) return rejected(declares);
      const base = environment(split(header).imports).env;
      const used = axioms(env).filter((text) => STANDARD_AXIOMS.has(text) || OTHER_AXIOMS.test(text) || !isLibraryTheorem(base, text));
      const bad = used.filter((text) => !STANDARD_AXIOMS.has(text));
      if (bad.length) return { ...rejected(`it depends on ${bad.join(', ')}`), axioms: used };
      return { status: 'proved', axioms: used, ...premises(base, env, field(found.val, 1), proof) };
    } finally {
      dec(found.option);
    }
  }

  function readLevels(found) {
    const names = [];
    for (let p = found.levels; !isScalar(p); p = field(p, 1)) names.push(readName(field(p, 0)));
    return names.join(' ');
  }

  function statement({ header, signature }) {
    const { errors, fingerprint: print } = reference(header, signature);
    return errors.length ? { ok: false, messages: errors } : { ok: true, messages: [], fingerprint: print };
  }

  function signatures({ names }) {
    const signature = (text) => {
      const { env, errors, messages } = elaborate('', `#check ${text}`);
      dec(env);
      if (errors.length || !messages.length) return null;
      const flat = messages[0].replace(/^\d+:\d+: (info: )?/, '').replace(/\s+/g, ' ').trim();
      return flat.startsWith(text) ? flat.slice(text.length).replace(/^\.\{[^}]*\}/, '').trim() : null;
    };
    return { signatures: names.map(signature) };
  }

  // The first use of a tactic compiles a part of the 137 MB build: better before the first check.
  function warmUp() {
    for (const proof of ['by omega', 'by simp [Nat.add_comm]', 'by\n  induction a with\n  | zero => simp\n  | succ n ih => omega']) {
      check({ header: '', signature: '(a b : Nat) : a + b = b + a', proof });
    }
  }

  const file = makeFileOp(lean, Number(maxHeartbeats), () => environment(''));
  return { check, statement, signatures, file, warmUp };
}
