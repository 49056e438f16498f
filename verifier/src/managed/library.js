'use strict';
// What proofs rest on: the axioms below them, and the library's theorems that they use.

const { isNamed, wordsOf } = require('./words.js');

const STANDARD_AXIOMS = new Set(['propext', 'Quot.sound', 'Classical.choice']);
// In this build imported theorems carry no proof and look like axioms; these really are.
const OTHER_AXIOMS = /^(sorryAx|lcProof|lcUnreachable|lcAny|Lean\.(ofReduceBool|ofReduceNat|trustCompiler|reduceBool|reduceNat))$/;
const PLUMBING =
  /^(Lean|Std\.Tactic|Classical\.choice|propext|Quot\.sound|Eq\.|HEq\.|Iff\.|congr|eq_self|of_eq|eq_true|eq_false|id$|rfl$|absurd|False\.|True\.|And\.|Or\.|Not\.|implies_|forall_|ne_|not_false|trivial)|(^|\.)(_|match_|proof_|eq_\d|injEq|sizeOf|noConfusion|brecOn|casesOn|recOn|rec$|below|congr_simp|eq_def|inj$)/;
// What Lean declares by itself, below the name it belongs to: equations, matchers, lemmas of tactics.
const AUXILIARY =
  /^(_.*|eq_\d+|eq_def|eq_unfold|congr_simp|hcongr_\d+|congr_eq_\d+|match_\d+|splitter|proof_\d+|induct|induct_unfolding|mutual_induct|fun_cases|fun_cases_unfolding|fixpoint_induct|partial_correctness|inj|injEq|sizeOf_spec|noConfusion\w*|ctorIdx|toCtorIdx|\d+)$/;

function makeLibrary(lean, { find, imported }, { constants }) {
  const { M, tag, field, box, inc, dec, array, name, readName, constructor } = lean;
  const noItems = M._lean_array_mk(box(0));
  M._lean_mark_persistent(noItems);

  // Kinds of ConstantInfo: 0 axiom (imported theorems of this build among them), 2 theorem. `base`: the imports' environment.
  function isLibraryTheorem({ env, theorems }, text) {
    const known = theorems.get(text);
    if (known !== undefined) return known;
    const found = find(env, name(text));
    const answer = found !== null && (found.kind === 'axiom' || found.kind === 'thm');
    if (found) dec(found.option);
    theorems.set(text, answer);
    return answer;
  }

  // The axioms below a constant of `env`, library theorems left out.
  function axiomsOf(base, env, constant) {
    const result = M._l_Lean_CollectAxioms_collect(inc(constant), inc(env), constructor(0, [box(1), inc(noItems)]));
    const names = array(field(field(result, 1), 1)).map(readName);
    dec(result);
    return names.filter((text) => STANDARD_AXIOMS.has(text) || OTHER_AXIOMS.test(text) || !isLibraryTheorem(base, text));
  }

  // For each declaration that was added the axioms below it. What the context had before is asked once for all.
  function axiomsBelow({ base, env, axioms }, added) {
    const known = new Map();
    for (const [text, record] of added) {
      const below = new Set(record.kind === 'axiom' ? [text] : []);
      const note = (constant) => {
        const needed = readName(constant);
        if (!known.has(needed) && !axioms.has(needed)) axioms.set(needed, axiomsOf(base, env, constant));
        (known.get(needed) || axioms.get(needed)).forEach((axiom) => below.add(axiom));
      };
      known.set(text, new Set());
      expressionsOf(record).forEach((root) => constants(root, note));
      known.set(text, below);
    }
    return known;
  }

  function expressionsOf(record) {
    const inner = (record.members || []).flatMap((type) => [type.type, ...type.ctors.map((part) => part.type)]);
    return [record.type, ...(record.value ? [record.value] : []), ...inner];
  }

  // The library's theorems in a proof: those that its text names, and those that only its term shows. Helpers that Lean made
  // for it are looked into.
  function premises(base, added, target, proof) {
    const seen = new Set();
    const note = (constant) => seen.add(readName(constant));
    const root = added.get(target);
    constants(root.value, note, false);
    const named = [];
    const implicit = [];
    const words = wordsOf(proof);
    for (const text of seen) {
      const helper = added.get(text);
      if (helper) {
        if (helper !== root && helper.value && (text.startsWith(`${target}.`) || text.startsWith('_'))) constants(helper.value, note, false);
      } else if (!PLUMBING.test(text) && isLibraryTheorem(base, text)) {
        (isNamed(text, words) ? named : implicit).push(text);
      }
    }
    return { premises: named.sort(), implicit_premises: implicit.sort() };
  }

  // The declarations of the candidate's own that one of them rests on.
  function uses(added, target) {
    const seen = new Set();
    const open = [target];
    const note = (constant) => {
      const text = readName(constant);
      if (added.has(text) && !seen.has(text)) {
        seen.add(text);
        open.push(text);
      }
    };
    while (open.length) expressionsOf(added.get(open.pop())).forEach((root) => constants(root, note));
    return [...seen];
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

module.exports = { makeLibrary, STANDARD_AXIOMS, AUXILIARY };
