'use strict';
// What proofs rest on: the axioms below them, and the library's theorems that they use.

const { isNamed, wordsOf } = require('./words.js');

// Axioms are known by their exact names: `«Quot.sound»` is not `Quot.sound`, though it is printed so.
const exact = (text) => text.split('.').map((part) => JSON.stringify(part)).join('.');
const shownName = (key) => key.replace(/"(?:[^"\\]|\\.)*"/g, (part) => JSON.parse(part));
const STANDARD_AXIOMS = new Set(['propext', 'Quot.sound', 'Classical.choice'].map(exact));
// In this build imported theorems carry no proof and look like axioms; these really are.
const OTHER_AXIOMS = new Set([
  'sorryAx', 'lcProof', 'lcUnreachable', 'lcAny', 'Lean.ofReduceBool', 'Lean.ofReduceNat', 'Lean.trustCompiler', 'Lean.reduceBool',
  'Lean.reduceNat',
].map(exact));
const PLUMBING =
  /^(Lean|Std\.Tactic|Classical\.choice|propext|Quot\.sound|Eq\.|HEq\.|Iff\.|congr|eq_self|of_eq|eq_true|eq_false|id$|rfl$|absurd|False\.|True\.|And\.|Or\.|Not\.|implies_|forall_|ne_|not_false|trivial)|(^|\.)(_|match_|proof_|eq_\d|injEq|sizeOf|noConfusion|brecOn|casesOn|recOn|rec$|below|congr_simp|eq_def|inj$)/;
// What Lean declares by itself, below the name it belongs to: equations, matchers, lemmas of tactics.
const AUXILIARY =
  /^(_.*|eq_\d+|eq_def|eq_unfold|congr_simp|hcongr_\d+|congr_eq_\d+|match_\d+|splitter|proof_\d+|induct|induct_unfolding|mutual_induct|fun_cases|fun_cases_unfolding|fixpoint_induct|partial_correctness|inj|injEq|sizeOf_spec|noConfusion\w*|ctorIdx|toCtorIdx|\d+)$/;

function makeLibrary(lean, { find, findInKernel, imported }, { constants }) {
  const { M, isScalar, tag, field, box, inc, dec, array, readName, exactName, constructor } = lean;
  const noItems = M._lean_array_mk(box(0));
  M._lean_mark_persistent(noItems);

  // Kinds of ConstantInfo: 0 axiom (imported theorems of this build among them), 2 theorem. `base`: the imports' environment.
  function isLibraryTheorem({ env, theorems }, nameObject) {
    const key = exactName(nameObject);
    const known = theorems.get(key);
    if (known !== undefined) return known;
    const found = find(env, nameObject);
    const answer = found !== null && (found.kind === 'axiom' || found.kind === 'thm');
    if (found) dec(found.option);
    theorems.set(key, answer);
    return answer;
  }

  // The exact names of the axioms below a constant of `env`, library theorems left out.
  function axiomsOf(base, env, constant) {
    const result = M._l_Lean_CollectAxioms_collect(inc(constant), inc(env), constructor(0, [box(1), inc(noItems)]));
    const isAxiom = (found) => {
      const key = exactName(found);
      return STANDARD_AXIOMS.has(key) || OTHER_AXIOMS.has(key) || !isLibraryTheorem(base, found);
    };
    const names = array(field(field(result, 1), 1)).filter(isAxiom).map(exactName);
    dec(result);
    return names;
  }

  // The declaration that a constant came with: constructors and recursors belong to the first type of their family.
  function ownerOf(kernel, constant) {
    const found = findInKernel(kernel, constant);
    if (!found) throw new Error(`the kernel does not know ${readName(constant)}`);
    let owner = constant;
    if (found.kind === 'ctor') owner = found.induct;
    if (found.kind === 'ctor' || found.kind === 'inductive' || found.kind === 'rec') {
      const family = found.kind === 'ctor' ? findInKernel(kernel, owner) : found;
      if (!isScalar(family.all)) owner = field(family.all, 0);
      if (family !== found) dec(family.option); // the environment keeps it
    }
    const key = exactName(owner);
    dec(found.option);
    return key;
  }

  // For each declaration that was added the exact names of the axioms below it. What the context had before is asked once for
  // all; nothing that a candidate declared is remembered.
  function axiomsBelow({ base, env, axioms }, { kernel, added }) {
    const known = new Map();
    const belowOf = (constant) => {
      const key = exactName(constant);
      const found = known.get(key) || axioms.get(key);
      if (found) return found;
      const there = find(env, constant);
      if (there) {
        dec(there.option);
        axioms.set(key, axiomsOf(base, env, constant));
        return axioms.get(key);
      }
      const below = known.get(ownerOf(kernel, constant));
      if (!below) throw new Error(`${readName(constant)} belongs to no declaration`);
      return below;
    };
    for (const [key, record] of added) {
      const below = new Set(record.kind === 'axiom' ? [key] : []);
      known.set(key, below);
      expressionsOf(record).forEach((root) => constants(root, (constant) => [...belowOf(constant)].forEach((axiom) => below.add(axiom))));
    }
    return known;
  }

  function expressionsOf(record) {
    const inner = (record.members || []).flatMap((type) => [type.type, ...type.ctors.map((part) => part.type)]);
    return [record.type, ...(record.value ? [record.value] : []), ...inner];
  }

  // The library's theorems in a proof: those that its text names, and those that only its term shows. Helpers that Lean made
  // for it are looked into. `target`: the proof's record.
  function premises(base, added, target, proof) {
    const seen = new Map();
    const note = (constant) => seen.set(exactName(constant), constant);
    constants(target.value, note, false);
    const named = [];
    const implicit = [];
    const words = wordsOf(proof);
    const own = readName(target.name);
    for (const [key, constant] of seen) {
      const helper = added.get(key);
      const text = readName(constant);
      if (helper) {
        if (helper !== target && helper.value && (text.startsWith(`${own}.`) || text.startsWith('_'))) constants(helper.value, note, false);
      } else if (!PLUMBING.test(text) && isLibraryTheorem(base, constant)) {
        (isNamed(text, words) ? named : implicit).push(text);
      }
    }
    return { premises: named.sort(), implicit_premises: implicit.sort() };
  }

  // The declarations of the candidate's own that one of them rests on, as they are printed.
  function uses(added, target) {
    const seen = new Map();
    const open = [target];
    const note = (constant) => {
      const key = exactName(constant);
      const record = added.get(key);
      if (record && !seen.has(key)) {
        seen.set(key, readName(constant));
        open.push(record);
      }
    };
    while (open.length) expressionsOf(open.pop()).forEach((root) => constants(root, note));
    return [...seen.values()];
  }

  // The theorems that the imports declare, without private ones and what Lean names by itself.
  function importedTheorems(env) {
    const names = [];
    imported(env, (nameObject, info) => {
      const text = readName(nameObject);
      if ((tag(info) === 0 || tag(info) === 2) && !text.split('.').some((part) => AUXILIARY.test(part))) names.push(text);
    });
    return names.sort();
  }

  return { axiomsBelow, premises, uses, importedTheorems };
}

module.exports = { makeLibrary, STANDARD_AXIOMS, AUXILIARY, exact, shownName };
