'use strict';
// The kernel's word on declarations that came as data: each is added to a clean environment, or refused.

const { BadExport } = require('./declarations.js');

// Lean.Kernel.Exception's constructors.
const REFUSALS = [
  'unknown constant', 'already declared', 'declaration type mismatch', 'declaration has metavariables',
  'declaration has free variables', 'function expected', 'type expected', 'let type mismatch', 'type mismatch',
  'application type mismatch', 'invalid projection', 'the type of a theorem must be a proposition', 'other error',
  'deterministic timeout', 'excessive memory', 'deep recursion', 'interrupted',
];
const PRIVATE = /^_private\.(?:.*?)\.\d+\./;

function makeKernel(lean, { kernelHas, kernelOf }, clock) {
  const { M, isScalar, tag, field, box, inc, dec, readName, exactName } = lean;

  // Adds what `base` lacks of `records`, in order. `added`: exact name → record; `refused`: exact name → reason. Two names may
  // be printed alike. The caller owns `kernel`.
  function addAll(base, records, heartbeats) {
    let kernel = kernelOf(base);
    const added = new Map();
    const refused = new Map();
    for (const record of records) {
      const key = exactName(record.name);
      const text = readName(record.name);
      if (record.isUnsafe) {
        refused.set(key, `it rests on ${text}, which is unsafe or partial`);
        continue;
      }
      if (kernelHas(kernel, record.name)) continue; // of the header, which was read here as well
      const declaration = declarationOf(record);
      if (typeof declaration === 'string') {
        refused.set(key, declaration);
        continue;
      }
      lean.resetHeartbeats();
      const result = clock.elaborating(() => M._lean_add_decl(inc(kernel), heartbeats, declaration, box(0)));
      dec(declaration);
      const inside = field(result, 0);
      if (tag(result) === 0) {
        const reason = REFUSALS[isScalar(inside) ? inside >>> 1 : tag(inside)] || 'unknown error';
        refused.set(key, `(kernel) ${text.replace(PRIVATE, '')}: ${reason}`);
      } else {
        dec(kernel);
        kernel = inc(inside);
        added.set(key, record);
      }
      dec(result);
    }
    return { kernel, added, refused };
  }

  // What the kernel takes, or why the data makes none.
  function declarationOf(record) {
    try {
      return record.declaration();
    } catch (error) {
      if (error instanceof BadExport) return error.message;
      throw error;
    }
  }

  return { addAll };
}

module.exports = { makeKernel, PRIVATE };
