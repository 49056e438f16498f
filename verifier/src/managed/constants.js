'use strict';
// Lean's ConstantInfo objects: which fields a constant of each kind has, and where they lie.

const KINDS = ['axiom', 'def', 'thm', 'opaque', 'quot', 'inductive', 'ctor', 'rec'];
const SAFETY = ['unsafe', 'safe', 'partial'];

function makeConstants(lean) {
  const { M, isScalar, tag, field, inc, dec, readList, scalarByte } = lean;

  // What is below a ConstantInfo, as borrowed objects; `value` only where it has one.
  function describe(info) {
    const kind = KINDS[tag(info)];
    const val = field(info, 0);
    const constant = field(val, 0);
    const common = { kind, val, name: field(constant, 0), levels: field(constant, 1), type: field(constant, 2) };
    switch (kind) {
      case 'axiom': return { ...common, isUnsafe: scalarByte(val, 0) !== 0 };
      case 'def': return { ...common, value: field(val, 1), hints: field(val, 2), all: field(val, 3), safety: SAFETY[scalarByte(val, 0)] };
      case 'thm': return { ...common, value: field(val, 1), all: field(val, 2) };
      case 'opaque': return { ...common, value: field(val, 1), all: field(val, 2), isUnsafe: scalarByte(val, 0) !== 0 };
      case 'inductive':
        return {
          ...common, numParams: field(val, 1), numIndices: field(val, 2), all: field(val, 3), ctors: field(val, 4), numNested: field(val, 5),
          isRec: scalarByte(val, 0) !== 0, isUnsafe: scalarByte(val, 1) !== 0, isReflexive: scalarByte(val, 2) !== 0,
        };
      case 'ctor':
        return {
          ...common, induct: field(val, 1), cidx: field(val, 2), numParams: field(val, 3), numFields: field(val, 4),
          isUnsafe: scalarByte(val, 0) !== 0,
        };
      case 'rec':
        return {
          ...common, all: field(val, 1), numParams: field(val, 2), numIndices: field(val, 3), numMotives: field(val, 4),
          numMinors: field(val, 5), rules: readList(field(val, 6)), k: scalarByte(val, 0) !== 0, isUnsafe: scalarByte(val, 1) !== 0,
        };
      default: return common;
    }
  }

  // The constant of that name in an environment, kept alive by `option`, or null. The environment is the elaborator's.
  function find(env, nameObject) {
    const option = M._l_Lean_Environment_find_x3f(inc(env), inc(nameObject), 0);
    return isScalar(option) ? null : { option, ...describe(field(option, 0)) };
  }

  // The same in the kernel's environment.
  function findInKernel(kernel, nameObject) {
    const option = M._lean_environment_find(inc(kernel), inc(nameObject));
    return isScalar(option) ? null : { option, ...describe(field(option, 0)) };
  }

  function kernelHas(kernel, nameObject) {
    const option = M._lean_environment_find(inc(kernel), inc(nameObject));
    if (isScalar(option)) return false;
    dec(option);
    return true;
  }

  const kernelOf = (env) => M._lean_elab_environment_to_kernel_env(inc(env));

  // Calls `each` with name and info of what was declared since the imports. Nodes of the map have entries (tag 0) or
  // colliding keys and values (tag 1); an entry has a key and a value (tag 0) or a node (tag 1), or is empty.
  function declared(env, each) {
    const kernel = kernelOf(env);
    const walk = (node) => {
      if (tag(node) === 1) {
        const values = lean.array(field(node, 1));
        lean.array(field(node, 0)).forEach((key, i) => each(key, values[i]));
        return;
      }
      for (const entry of lean.array(field(node, 0))) {
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
    for (let entry of lean.array(field(field(field(kernel, 0), 0), 1))) {
      for (; !isScalar(entry); entry = field(entry, 2)) each(field(entry, 0), field(entry, 1));
    }
    dec(kernel);
  }

  return { describe, find, findInKernel, kernelHas, kernelOf, declared, imported };
}

module.exports = { makeConstants, KINDS };
