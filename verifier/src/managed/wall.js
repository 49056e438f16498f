'use strict';
// The second wall: what Lean's kernel must accept once more after the elaborator is done.
// Nothing that the elaborator says is trusted here: every constant that the theorem rests on and that the
// trusted header does not bring is given to the kernel again, on the header's own environment. A proof
// that talked the elaborator into adding something unchecked (`debug.skipKernelTC`) ends here.

const KIND = { definition: 1, theorem: 2 };
const SAFE = 1; // DefinitionSafety: unsafe, safe, partial
const ARRAY = 246; // the tag of array objects
const NAMES = ['an axiom', 'a definition', 'a theorem', 'an opaque constant', 'a quotient', 'an inductive type', 'a constructor', 'a recursor'];

function makeWall(lean, target) {
  const { M, view, isScalar, tag, field, box, inc, dec, array, name, readName } = lean;
  const noToken = box(0);
  const own = new RegExp(`^(_private\\.(.*\\.)?0\\.)?${target}(\\.|$)`);

  function kernel(env) {
    inc(env);
    return M._lean_elab_environment_to_kernel_env(env);
  }

  function inKernel(kernelEnv, constant) {
    inc(kernelEnv);
    inc(constant);
    const option = M._lean_environment_find(kernelEnv, constant);
    const found = !isScalar(option);
    dec(option);
    return found;
  }

  // The constants added since the imports: { name text -> { constant: name object, info } }.
  function added(env) {
    inc(env);
    const constants = M._l_Lean_Environment_constants(env);
    const found = new Map();
    const map = field(constants, 1);
    const visit = (node) => {
      if (tag(node) === 1) {
        const infos = array(field(node, 1));
        array(field(node, 0)).forEach((constant, i) => found.set(readName(constant), { constant, info: infos[i] }));
        return;
      }
      for (const entry of array(field(node, 0))) {
        if (isScalar(entry)) continue;
        if (tag(entry) === 1) visit(field(entry, 0));
        else found.set(readName(field(entry, 0)), { constant: field(entry, 0), info: field(entry, 1) });
      }
    };
    const first = isScalar(map) ? map : field(map, 0);
    if (!isScalar(first)) visit(tag(first) === ARRAY ? map : first);
    return { found, drop: () => dec(constants) };
  }

  function mentioned(info) {
    const val = field(info, 0);
    const stack = [field(field(val, 0), 2)];
    if (tag(info) === KIND.definition || tag(info) === KIND.theorem) stack.push(field(val, 1));
    const visited = new Set();
    const names = new Map();
    while (stack.length) {
      const e = stack.pop();
      if (isScalar(e) || visited.has(e)) continue;
      visited.add(e);
      switch (tag(e)) {
        case 4: names.set(readName(field(e, 0)), field(e, 0)); break;
        case 5: stack.push(field(e, 0), field(e, 1)); break;
        case 6: case 7: stack.push(field(e, 1), field(e, 2)); break;
        case 8: stack.push(field(e, 1), field(e, 2), field(e, 3)); break;
        case 10: stack.push(field(e, 1)); break;
        case 11: names.set(readName(field(e, 0)), field(e, 0)); stack.push(field(e, 2)); break;
      }
    }
    return names;
  }

  const safety = (val) => view().getUint8(val + 8 + 4 * view().getUint8(val + 6));

  // Why a constant may not be there at all, or null.
  function forbidden(text, info) {
    const kind = tag(info);
    if (kind !== KIND.definition && kind !== KIND.theorem) return `the proof adds ${NAMES[kind] || 'something'}: ${text}`;
    if (kind === KIND.definition && safety(field(info, 0)) !== SAFE) return `the proof adds an unsafe definition: ${text}`;
    return null;
  }

  // Auxiliaries of the theorem, or what Lean derives on demand from a constant of the library
  // (`List.map.eq_1`), which is harmless under any name once the kernel has seen it.
  function belongs(base, text, constant) {
    if (own.test(text)) return true;
    for (let prefix = field(constant, 0); !isScalar(prefix); prefix = field(prefix, 0)) {
      if (tag(prefix) === 1 && inKernel(base, prefix)) return true;
    }
    return false;
  }

  function addToKernel(env, info) {
    // Declaration and ConstantInfo have the same tags for definitions and theorems, around the same value.
    const declaration = M._lean_alloc_object(12);
    view().setInt32(declaration, 1, true);
    view().setUint16(declaration + 4, 12, true);
    view().setUint8(declaration + 6, 1);
    view().setUint8(declaration + 7, tag(info));
    view().setUint32(declaration + 8, inc(field(info, 0)), true);
    const result = M._lean_add_decl(env, 0, declaration, noToken);
    dec(declaration);
    return result;
  }

  // Depth first, so that a constant comes after those that it mentions.
  function inOrder(base, known, lookUp) {
    const order = [];
    const state = new Map();
    const visit = (text, constant) => {
      if (state.has(text)) return state.get(text) === 'open' ? `${text} depends on itself` : null;
      if (inKernel(base, constant)) return state.set(text, 'base') && null;
      const info = known.get(text)?.info || lookUp(text, constant);
      if (!info) return `${text} is not known to the kernel`;
      const reason = forbidden(text, info);
      if (reason) return reason;
      state.set(text, 'open');
      for (const [next, object] of mentioned(info)) {
        const refused = visit(next, object);
        if (refused) return refused;
      }
      state.set(text, 'done');
      order.push({ text, info });
      return null;
    };
    return { refused: visit(target, name(target)), order };
  }

  // Null if the kernel accepts, on the environment `baseEnv`, all that the theorem of `env` rests on, and
  // `env` has no constant that a proof has no business to add; otherwise the reason, for people.
  function refuse(baseEnv, env) {
    let base = kernel(baseEnv);
    const fresh = added(env);
    const before = added(baseEnv);
    const held = [];
    const realised = (text, constant) => {
      inc(env);
      inc(constant);
      const option = M._l_Lean_Environment_find_x3f(env, constant, 0);
      held.push(option);
      return isScalar(option) ? null : field(option, 0);
    };
    try {
      for (const [text, { constant, info }] of fresh.found) {
        if (before.found.has(text)) continue;
        const reason = forbidden(text, info);
        if (reason) return reason;
        if (!belongs(base, text, constant)) return `the proof adds another declaration: ${text}`;
      }
      const { refused, order } = inOrder(base, fresh.found, realised);
      if (refused) return refused;
      for (const { text, info } of order) {
        const result = addToKernel(base, info);
        base = null;
        if (tag(result) !== 1) {
          dec(result);
          return `the kernel refuses ${text}`;
        }
        base = inc(field(result, 0));
        dec(result);
      }
      return null;
    } finally {
      if (base !== null) dec(base);
      held.forEach(dec);
      fresh.drop();
      before.drop();
    }
  }

  return { refuse };
}

module.exports = { makeWall };
