'use strict';
// The checker: a process that never runs a candidate's text. It elaborates trusted statements, and judges proofs that come
// as declarations: what is proved follows from what it does here, and from nothing that the elaborator says.
// Usage: node --stack-size=4000 checker.js LEAN_JS LIBRARY MAX_HEARTBEATS

const { serve } = require('./answers.js');
const { makeConstants } = require('./constants.js');
const { makeDeclarations, BadExport } = require('./declarations.js');
const { makeExporter } = require('./export.js');
const { makeExpressions } = require('./expressions.js');
const { makeKernel, PRIVATE } = require('./kernel.js');
const { makeLibrary, STANDARD_AXIOMS, exact, shownName } = require('./library.js');
const { makeSession, TARGET, INFORMATION } = require('./session.js');

const [leanJs, library, maxHeartbeats] = process.argv.slice(2);
// Digits of a type's hash by which statements are told apart where no proof depends on it.
const SHORT = 32;
// What the kernel takes the meaning of from the name alone: an environment without them is not to be judged in.
const NEEDED = [
  'Nat', 'Nat.succ', 'Nat.add', 'Nat.sub', 'Nat.mul', 'Nat.div', 'Nat.mod', 'Nat.gcd', 'Nat.beq', 'Nat.ble', 'Nat.land', 'Nat.lor',
  'Nat.xor', 'Nat.shiftLeft', 'Nat.shiftRight', 'Nat.pow', 'Nat.log2', 'Bool.true', 'Bool.false', 'List.nil', 'List.cons',
  'Char.ofNat', 'String', 'String.ofList', 'Eq', 'Quot', 'Quot.mk', 'Quot.lift', 'Quot.ind', 'propext', 'Quot.sound',
  'Classical.choice', 'sorryAx', 'Lean.reduceBool', 'Lean.reduceNat',
];

function makeChecker(lean, clock) {
  const { dec, name, readName, exactName } = lean;
  const session = makeSession(lean, { maxHeartbeats, skipKernel: false }, clock);
  const expressions = makeExpressions(lean);
  const constants = makeConstants(lean);
  const { read } = makeDeclarations(lean);
  const { addAll } = makeKernel(lean, constants, clock);
  const { axiomsBelow, premises, uses, importedTheorems } = makeLibrary(lean, constants, expressions);
  const { begin } = makeExporter(lean, { find: constants.find, postorder: expressions.postorder, constants: expressions.constants });
  const heartbeats = Number(maxHeartbeats) * 1000;

  // What a theorem claims: the number of its universes and a hash of its type. A constant that the imports have is written by its
  // name. Any other means what its declaration says, whatever it is called: it is written by its number in the order in which
  // such constants are met, so that two are two, and by its content. A proof inside a statement counts by what it proves.
  function claimOf(base, { type, levels }, look) {
    const texts = new Map();
    let met = 0;
    const constantText = (nameObject) => {
      const key = exactName(nameObject);
      if (texts.has(key)) return texts.get(key);
      const known = constants.find(base.env, nameObject);
      if (known) {
        dec(known.option);
        texts.set(key, key);
        return key;
      }
      const number = `#${(met += 1)}`; // no name begins so
      // Inside its own declaration the number is all that is said.
      texts.set(key, number);
      texts.set(key, `${number}:${content(nameObject)}`);
      return texts.get(key);
    };
    const content = (nameObject) => {
      const found = look(nameObject);
      if (!found) return 'unknown';
      const hashes = found.parts.map((root) => expressions.fingerprint(root, constantText, found.levels));
      const result = [found.kind, universes(found.levels), ...found.shape, ...hashes].join(' ');
      dec(found.option);
      return result;
    };
    return { type: expressions.fingerprint(type, constantText, levels), universes: universes(levels) };
  }

  const universes = (levels) => expressions.readNames(levels).length;

  // A constant of the kernel's environment, as `claimOf` looks at it: `shape` and `parts` are all that its declaration says.
  const lookIn = (kernel) => (nameObject) => {
    const found = constants.findInKernel(kernel, nameObject);
    if (!found) return null;
    switch (found.kind) {
      case 'def': case 'opaque': return { ...found, shape: [], parts: [found.type, found.value] };
      case 'ctor': return { ...found, shape: [lean.natural(found.cidx)], parts: [found.type] };
      case 'inductive': return { ...found, ...familyOf(found, kernel) };
      default: return { ...found, shape: [], parts: [found.type] };
    }
  };

  // An inductive type's place among those that it was declared with, and the types of them all and of their constructors.
  function familyOf(found, kernel) {
    const part = (nameObject) => {
      const { option, ...described } = constants.findInKernel(kernel, nameObject);
      dec(option); // the environment keeps it
      return described;
    };
    const family = lean.readList(found.all).map(part);
    const constructors = family.map((type) => lean.readList(type.ctors).map(part));
    const place = expressions.readNames(found.all).indexOf(exactName(found.name));
    return {
      shape: [lean.natural(found.numParams), place, ...constructors.map((list) => list.length)],
      parts: [...family, ...constructors.flat()].map(({ type }) => type),
    };
  }

  const referenceText = (claim) => `${claim.type} ${claim.universes}`;
  const answerOf = (claim) => ({ ok: true, messages: [], fingerprint: claim.type.slice(0, SHORT), reference: referenceText(claim) });
  const refusal = (error) => {
    if (error instanceof BadExport) return error.message;
    throw error;
  };

  // Why nothing can be judged in an environment, or no reasons.
  function obstacles(base) {
    if (base.errors.length) return base.errors;
    if (base.lacking === undefined) {
      base.lacking = NEEDED.find((text) => {
        const found = constants.find(base.env, name(text));
        if (found) dec(found.option);
        return !found;
      }) || '';
    }
    return base.lacking ? [`${base.lacking} is missing: the imports must hold all of Init`] : [];
  }

  // What a statement claims, from its trusted text or from the data of a process that nobody trusts.
  function reference({ header, signature, imports, export: data }) {
    return data === undefined ? referenceOfText(header, signature) : referenceOfData(imports, data);
  }

  function referenceOfText(header, signature) {
    const { env, messages } = session.elaborate(header, `theorem _root_.${TARGET} ${signature} := sorry`);
    try {
      const found = messages.length ? null : constants.find(env, name(TARGET));
      if (!found) return { ok: false, messages: messages.length ? messages : ['the statement declares no theorem'] };
      const { base } = session.contextOf(header);
      const kernel = constants.kernelOf(env);
      const claim = claimOf(base, found, lookIn(kernel));
      dec(kernel);
      dec(found.option);
      return answerOf(claim);
    } finally {
      dec(env);
    }
  }

  function referenceOfData(imports, data) {
    const base = session.environment(imports);
    const problems = obstacles(base);
    if (problems.length) return { ok: false, messages: problems };
    let parsed;
    try {
      parsed = read(data);
    } catch (error) {
      return { ok: false, messages: [refusal(error)] };
    }
    const { kernel, added, refused } = addAll(base.env, parsed.records, heartbeats);
    try {
      const root = added.get(exact(TARGET));
      if (!root) return { ok: false, messages: [[...refused.values()][0] || 'the statement declares no theorem'] };
      return answerOf(claimOf(base, root, lookIn(kernel)));
    } finally {
      dec(kernel);
      parsed.free();
    }
  }

  // The verdicts on theorems that came as declarations. `header`: trusted text below which they stand; or `imports` alone.
  function check({ header, imports, export: data, roots, reference: wanted, proof }) {
    const context = header === undefined ? session.environment(imports) : session.contextOf(header);
    const base = header === undefined ? session.environment(imports) : context.base;
    const all = (status, messages) => ({ verdicts: roots.map((root) => ({ name: root, status, messages })) });
    const problems = context.errors.length ? context.errors : obstacles(base);
    if (problems.length) return all('statement_error', problems);
    let parsed;
    try {
      parsed = read(data);
    } catch (error) {
      return all('rejected', [refusal(error)]);
    }
    const outcome = addAll(context.env, parsed.records, heartbeats);
    try {
      const axioms = axiomsBelow({ base, env: context.env, axioms: context.axioms }, outcome);
      const look = lookIn(outcome.kernel);
      return { verdicts: roots.map((root) => ({ name: root, ...verdict(root, { base, outcome, axioms, look, wanted, proof }) })) };
    } finally {
      dec(outcome.kernel);
      parsed.free();
    }
  }

  function verdict(root, { base, outcome: { added, refused }, axioms, look, wanted, proof }) {
    const rejected = (reason) => ({ status: 'rejected', messages: [reason] });
    const called = ([, { name: nameObject }]) => readName(nameObject) === root;
    const [[key, record] = [], other] = [...added].filter(called);
    if (other) return rejected(`two declarations are printed as ${root.replace(PRIVATE, '')}`);
    if (!record) {
      // The first that the kernel refused explains what rests on it.
      const own = [...refused].filter(([refusedKey]) => shownName(refusedKey) === root).map(([, reason]) => reason);
      const reasons = [...own, ...refused.values()];
      const cause = reasons.find((text) => !/unknown constant$/.test(text)) || reasons[0];
      return cause ? { status: 'failed', messages: [cause] } : rejected('the proof declares no theorem');
    }
    if (record.kind !== 'thm') return rejected('the proof does not declare a theorem');
    const claim = claimOf(base, record, look);
    const fingerprint = claim.type.slice(0, SHORT);
    if (wanted && referenceText(claim) !== wanted) {
      return { ...rejected('the theorem proved is not the statement asked for'), fingerprint };
    }
    const below = [...axioms.get(key)].sort();
    const used = below.map(shownName);
    const bad = below.filter((axiom) => !STANDARD_AXIOMS.has(axiom));
    if (bad.length) {
      const shown = bad.map((axiom) => shownName(axiom).replace(PRIVATE, ''));
      return { ...rejected(`it depends on ${shown.join(', ')}`), axioms: used, fingerprint, uses: uses(added, record) };
    }
    return { status: 'proved', messages: [], axioms: used, fingerprint, ...premises(base, added, record, proof || '') };
  }

  function signatures({ names }) {
    const signature = (text) => {
      const { env, messages } = session.elaborate('', `#check ${text}`, { severity: INFORMATION });
      dec(env);
      if (!messages.length) return null;
      const flat = messages[0].replace(/^\d+:\d+: (info: )?/, '').replace(/\s+/g, ' ').trim();
      return flat.startsWith(text) ? flat.slice(text.length).replace(/^\.\{[^}]*\}/, '').trim() : null;
    };
    return { signatures: names.map(signature) };
  }

  // The declarations of library constants and of all that they need, for other kernels. Theorems of this build have no proofs
  // and come as axioms. Constants that the imports lack are left out: the kernel will miss them if they matter.
  function declarations({ imports, names }) {
    const { env } = session.environment(imports);
    const output = begin(env, () => false);
    for (const text of names) {
      const constant = nameOf(text);
      const found = constants.find(env, constant);
      if (found) {
        dec(found.option);
        output.add(constant);
      }
    }
    return { export: output.finish() };
  }

  // The name of a text: parts that are numbers are numbers.
  function nameOf(text) {
    const numbered = (prefix, part) => lean.M._l_Lean_Name_num___override(prefix, lean.makeNatural(part));
    const worded = (prefix, part) => lean.M._lean_name_mk_string(prefix, lean.string(part));
    return text.split('.').reduce((prefix, part) => (/^\d+$/.test(part) ? numbered : worded)(prefix, part), lean.box(0));
  }

  const theorems = () => ({ theorems: importedTheorems(session.environment('').env) });
  const warmUp = () => referenceOfText('', '(a b : Nat) : a + b = b + a');

  return { operations: { reference, check, declarations, signatures, theorems }, warmUp };
}

serve(leanJs, library, makeChecker);
