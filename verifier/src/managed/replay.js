'use strict';
// The last word on a proof: what it declared goes through the kernel into the environment that was there before the
// proof was read, as lean4checker does. Whatever the elaborator was talked into, only this counts.

// Lean.ConstantInfo's constructors, and those of Lean.Declaration that have the same number and take the same value.
const KINDS = ['axiom', 'definition', 'theorem', 'opaque', 'quotient', 'inductive', 'constructor', 'recursor'];
const DEFINITION = 1;
const THEOREM = 2;
// Lean.Kernel.Exception's constructors.
const REFUSALS = [
  'unknown constant', 'already declared', 'declaration type mismatch', 'declaration has metavariables',
  'declaration has free variables', 'function expected', 'type expected', 'let type mismatch', 'type mismatch',
  'application type mismatch', 'invalid projection', 'the type of a theorem must be a proposition', 'other error',
  'deterministic timeout', 'excessive memory', 'deep recursion', 'interrupted',
];
// What Lean declares by itself, below the name it belongs to: equations, matchers, lemmas of tactics.
const AUXILIARY =
  /^(_.*|eq_\d+|eq_def|eq_unfold|congr_simp|hcongr_\d+|congr_eq_\d+|match_\d+|splitter|proof_\d+|induct|induct_unfolding|mutual_induct|fun_cases|fun_cases_unfolding|fixpoint_induct|partial_correctness|inj|injEq|sizeOf_spec|noConfusion\w*|ctorIdx|toCtorIdx|\d+)$/;

const PRIVATE = /^_private\.(?:.*?)\.0\./;

function makeReplay(lean, target, timed) {
  const { M, view, isScalar, tag, field, box, inc, dec, array, name, readName, constants } = lean;

  function find(env, nameObject) {
    return M._l_Lean_Environment_find_x3f(inc(env), inc(nameObject), 0);
  }

  function has(env, nameObject) {
    const option = find(env, nameObject);
    if (isScalar(option)) return false;
    dec(option);
    return true;
  }

  function hasNamed(env, text) {
    const nameObject = name(text);
    const found = has(env, nameObject);
    dec(nameObject);
    return found;
  }

  function kernelOf(env) {
    return M._lean_elab_environment_to_kernel_env(inc(env));
  }

  // Calls `each` with name and info of what was declared since the imports. Nodes of the map have entries (tag 0) or
  // colliding keys and values (tag 1); an entry has a key and a value (tag 0) or a node (tag 1), or is empty.
  function declared(env, each) {
    const kernel = kernelOf(env);
    const walk = (node) => {
      if (tag(node) === 1) {
        const values = array(field(node, 1));
        array(field(node, 0)).forEach((key, i) => each(key, values[i]));
        return;
      }
      for (const entry of array(field(node, 0))) {
        if (isScalar(entry)) continue;
        if (tag(entry) === 0) each(field(entry, 0), field(entry, 1));
        else walk(field(entry, 0));
      }
    };
    walk(field(field(kernel, 0), 1));
    dec(kernel);
  }

  // Calls `each` with name and info of what the imports declare: buckets of linked entries of key, value and rest.
  function imported(env, each) {
    const kernel = kernelOf(env);
    for (let entry of array(field(field(field(kernel, 0), 0), 1))) {
      for (; !isScalar(entry); entry = field(entry, 2)) each(field(entry, 0), field(entry, 1));
    }
    dec(kernel);
  }

  // The names declared since the imports; private ones also by what their author calls them.
  function declaredNames(env) {
    const names = new Set();
    declared(env, (nameObject) => {
      const text = readName(nameObject);
      names.add(text).add(text.replace(PRIVATE, ''));
    });
    return names;
  }

  function isOwn(text, base, known) {
    const parts = text.replace(PRIVATE, '').split('.');
    if (parts[0] === target || parts[0].startsWith('_')) return true;
    // Below something that was there before, only what Lean itself names so.
    for (let last = parts.length - 1; last > 0 && AUXILIARY.test(parts[last]); last -= 1) {
      const above = parts.slice(0, last).join('.');
      if (known.has(above) || hasNamed(base, above)) return true;
    }
    return false;
  }

  // The theorems that the imports declare, without private ones and what Lean names by itself. Imported theorems of this
  // build are axioms to it.
  function importedTheorems(env) {
    const names = [];
    imported(env, (nameObject, info) => {
      const text = readName(nameObject);
      const isTheorem = KINDS[tag(info)] === 'axiom' || tag(info) === THEOREM;
      if (isTheorem && !text.split('.').some((part) => AUXILIARY.test(part))) names.push(text);
    });
    return names.sort();
  }

  // What is declared in `env` that is neither in `base`, nor `known`, nor an auxiliary of the theorem's own; or null.
  function stranger(base, env, known) {
    let found = null;
    declared(env, (nameObject, info) => {
      const text = readName(nameObject);
      if (found || known.has(text)) return;
      const kind = tag(info);
      if (kind !== DEFINITION && kind !== THEOREM) found = `it declares the ${KINDS[kind]} ${text}`;
      else if (!isOwn(text, base, known)) found = `it declares ${text}`;
    });
    return found;
  }

  function declaration(kind, value) {
    const object = M._lean_alloc_object(12);
    view().setInt32(object, 1, true);
    view().setUint16(object + 4, 12, true);
    view().setUint8(object + 6, 1);
    view().setUint8(object + 7, kind);
    view().setUint32(object + 8, inc(value), true);
    return object;
  }

  // Adds the theorem `root` of `env`, and what it needs that `base` lacks, to `base`. { refused, declares, rests }: why
  // the kernel refuses, what is declared that a proof may not declare, or names in `base` that it rests on.
  function replay(base, env, root, heartbeats) {
    let kernel = kernelOf(base);
    const done = new Set();
    const rests = new Map();
    const held = [];
    const add = (kind, value, text) => {
      const object = declaration(kind, value);
      const result = timed(() => M._lean_add_decl(kernel, heartbeats, object, box(0)));
      dec(object);
      const inside = field(result, 0);
      if (tag(result) === 0) {
        kernel = null;
        const reason = REFUSALS[isScalar(inside) ? inside >>> 1 : tag(inside)] || 'unknown error';
        dec(result);
        return { refused: `(kernel) ${text.replace(PRIVATE, '')}: ${reason}` };
      }
      kernel = inc(inside);
      dec(result);
      return null;
    };
    const visit = (nameObject) => {
      const text = readName(nameObject);
      if (done.has(text)) return null;
      done.add(text);
      if (has(base, nameObject)) {
        rests.set(text, nameObject);
        return null;
      }
      const option = find(env, nameObject);
      if (isScalar(option)) return { refused: `(kernel) unknown constant ${text}` };
      held.push(option);
      const info = field(option, 0);
      const kind = tag(info);
      if (kind !== DEFINITION && kind !== THEOREM) return { declares: `it rests on the ${KINDS[kind]} ${text}` };
      const value = field(info, 0);
      const needed = [];
      constants(field(field(value, 0), 2), (constant) => needed.push(constant));
      constants(field(value, 1), (constant) => needed.push(constant));
      for (const constant of needed) {
        const wrong = visit(constant);
        if (wrong) return wrong;
      }
      return add(kind, value, text);
    };
    try {
      return visit(root) || { rests };
    } finally {
      if (kernel) dec(kernel);
      held.forEach(dec);
    }
  }

  return { replay, stranger, declaredNames, importedTheorems };
}

module.exports = { makeReplay };
