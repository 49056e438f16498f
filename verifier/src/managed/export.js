'use strict';
// Declarations as data, in Lean's export format 3.1: one JSON object a line, each of which refers to earlier ones alone.
// Metadata of expressions is left out, as the format's own exporter does.

const QUOTIENTS = ['Quot', 'Quot.mk', 'Quot.lift', 'Quot.ind'];
const QUOTIENT_KINDS = ['type', 'ctor', 'lift', 'ind'];
const BINDERS = ['default', 'implicit', 'strictImplicit', 'instImplicit'];
const META = {
  meta: {
    exporter: { name: 'stp', version: '1' },
    lean: { githash: '', version: '4.28.0-pre' },
    format: { version: '3.1.0' },
  },
};

class ExportError extends Error {}

// A candidate that declares more than this is not worth its time.
const MAX_LINES = 2000000;

function makeExporter(lean, { find, postorder, constants }) {
  const { M, isScalar, tag, field, dec, inc, readName, readString, readList, natural, exactName, scalarByte, view, name } = lean;

  // One export. `isKnown(nameObject)`: what the reader has already. `onlyTypes`: constants whose values nobody needs.
  // `add` may name another environment, which has declared more.
  function begin(firstEnv, isKnown) {
    let env = firstEnv;
    const lines = [JSON.stringify(META)];
    const interned = { in: new Map(), il: new Map(), ie: new Map() };
    const next = { in: 1, il: 1, ie: 0 };
    const expressions = new Map();
    const levelIds = new Map();
    const nameIds = new Map();
    const done = new Set();
    const held = [];

    function line(text) {
      if (lines.length >= MAX_LINES) throw new ExportError('the declarations are too large to hand over');
      lines.push(text);
    }
    // The number of an item, which is written when it is new.
    function intern(kind, body) {
      let id = interned[kind].get(body);
      if (id === undefined) {
        id = next[kind]++;
        interned[kind].set(body, id);
        line(`{"${kind}":${id},${body}}`);
      }
      return id;
    }
    function nameId(p) {
      if (isScalar(p)) return 0;
      let id = nameIds.get(p);
      if (id !== undefined) return id;
      const pre = nameId(field(p, 0));
      const last = field(p, 1);
      id = tag(p) === 1
        ? intern('in', `"str":{"pre":${pre},"str":${JSON.stringify(readString(last))}}`)
        : intern('in', `"num":{"pre":${pre},"i":${natural(last)}}`);
      nameIds.set(p, id);
      return id;
    }
    function levelId(p) {
      if (isScalar(p)) return 0;
      let id = levelIds.get(p);
      if (id !== undefined) return id;
      switch (tag(p)) {
        case 1: id = intern('il', `"succ":${levelId(field(p, 0))}`); break;
        case 2: id = intern('il', `"max":[${levelId(field(p, 0))},${levelId(field(p, 1))}]`); break;
        case 3: id = intern('il', `"imax":[${levelId(field(p, 0))},${levelId(field(p, 1))}]`); break;
        case 4: id = intern('il', `"param":${nameId(field(p, 0))}`); break;
        default: throw new ExportError('a universe level is not finished');
      }
      levelIds.set(p, id);
      return id;
    }
    const nameIdList = (list) => `[${readList(list).map(nameId).join(',')}]`;
    const of = (e, i) => expressions.get(field(e, i));

    function node(e) {
      switch (tag(e)) {
        case 0: return `"bvar":${natural(field(e, 0))}`;
        case 3: return `"sort":${levelId(field(e, 0))}`;
        case 4: return `"const":{"name":${nameId(field(e, 0))},"us":[${readList(field(e, 1)).map(levelId).join(',')}]}`;
        case 5: return `"app":{"fn":${of(e, 0)},"arg":${of(e, 1)}}`;
        case 6: case 7: {
          const kind = tag(e) === 6 ? 'lam' : 'forallE';
          const binder = BINDERS[scalarByte(e, 8)] || 'default';
          return `"${kind}":{"name":${nameId(field(e, 0))},"type":${of(e, 1)},"body":${of(e, 2)},"binderInfo":"${binder}"}`;
        }
        case 8:
          return `"letE":{"name":${nameId(field(e, 0))},"type":${of(e, 1)},"value":${of(e, 2)},"body":${of(e, 3)},"nondep":${scalarByte(e, 8) !== 0}}`;
        case 9: {
          const literal = field(e, 0);
          const value = field(literal, 0);
          return tag(literal) === 1 ? `"strVal":${JSON.stringify(readString(value))}` : `"natVal":"${natural(value)}"`;
        }
        case 11: return `"proj":{"typeName":${nameId(field(e, 0))},"idx":${natural(field(e, 1))},"struct":${of(e, 2)}}`;
        default: throw new ExportError('a term has holes or free variables');
      }
    }
    function exprId(root) {
      postorder(root, expressions, (e) => expressions.set(e, tag(e) === 10 ? of(e, 1) : intern('ie', node(e))));
      return expressions.get(root);
    }

    const head = (c) => `"name":${nameId(c.name)},"levelParams":${nameIdList(c.levels)},"type":${exprId(c.type)}`;
    function hintsOf(p) {
      if (!isScalar(p)) return `{"regular":${view().getUint32(p + 8, true)}}`;
      return p >>> 1 === 1 ? '"abbrev"' : '"opaque"';
    }

    function write(c) {
      // The parts first: a line refers to earlier ones.
      const start = head(c);
      switch (c.kind) {
        case 'axiom': return line(`{"axiom":{${start},"isUnsafe":${c.isUnsafe}}}`);
        case 'def': {
          const rest = `"value":${exprId(c.value)},"hints":${hintsOf(c.hints)},"safety":"${c.safety}","all":${nameIdList(c.all)}`;
          return line(`{"def":{${start},${rest}}}`);
        }
        case 'thm': return line(`{"thm":{${start},"value":${exprId(c.value)},"all":${nameIdList(c.all)}}}`);
        case 'opaque': {
          const rest = `"value":${exprId(c.value)},"isUnsafe":${c.isUnsafe},"all":${nameIdList(c.all)}`;
          return line(`{"opaque":{${start},${rest}}}`);
        }
        case 'quot': return line(`{"quot":{${start},"kind":"${QUOTIENT_KINDS[scalarByte(c.val, 0)]}"}}`);
        default: throw new ExportError(`a ${c.kind} stands alone`);
      }
    }

    function inductive(c) {
      return `{${head(c)},"numParams":${natural(c.numParams)},"numIndices":${natural(c.numIndices)},"all":${nameIdList(c.all)},` +
        `"ctors":${nameIdList(c.ctors)},"numNested":${natural(c.numNested)},"isRec":${c.isRec},"isUnsafe":${c.isUnsafe},"isReflexive":${c.isReflexive}}`;
    }
    function ctor(c) {
      return `{${head(c)},"induct":${nameId(c.induct)},"cidx":${natural(c.cidx)},"numParams":${natural(c.numParams)},` +
        `"numFields":${natural(c.numFields)},"isUnsafe":${c.isUnsafe}}`;
    }
    function recursor(c) {
      const rules = c.rules.map((rule) => `{"ctor":${nameId(field(rule, 0))},"nfields":${natural(field(rule, 1))},"rhs":${exprId(field(rule, 2))}}`);
      return `{${head(c)},"all":${nameIdList(c.all)},"numParams":${natural(c.numParams)},"numIndices":${natural(c.numIndices)},` +
        `"numMotives":${natural(c.numMotives)},"numMinors":${natural(c.numMinors)},"rules":[${rules.join(',')}],"k":${c.k},"isUnsafe":${c.isUnsafe}}`;
    }

    function keep(nameObject) {
      const found = find(env, nameObject);
      if (found) held.push(found.option);
      return found;
    }
    // What one declaration consists of: itself, or a family of inductive types with constructors and recursors.
    function family(c) {
      const first = c.kind === 'ctor' ? keep(c.induct) : c.kind === 'rec' ? keep(readList(c.all)[0]) : c;
      if (!first || first.kind !== 'inductive') return null;
      const types = readList(first.all).map(keep);
      if (types.some((type) => !type)) throw new ExportError('an inductive type is not whole');
      const ctors = types.flatMap((type) => readList(type.ctors).map(keep));
      const recs = [];
      for (const type of types) recs.push(keep(M._lean_name_mk_string(inc(type.name), lean.string('rec'))));
      for (let i = 1; i <= Number(natural(first.numNested)); i += 1) {
        recs.push(keep(M._lean_name_mk_string(inc(first.name), lean.string(`rec_${i}`))));
      }
      return { types, ctors: ctors.filter(Boolean), recs: recs.filter(Boolean) };
    }

    // Writes a constant after all that it needs.
    function add(nameObject, from = env) {
      env = from;
      const stack = [{ nameObject, ready: null }];
      while (stack.length) {
        const top = stack[stack.length - 1];
        const key = exactName(top.nameObject);
        if (top.ready) {
          top.ready();
          stack.pop();
          continue;
        }
        if (done.has(key) || isKnown(top.nameObject)) {
          stack.pop();
          continue;
        }
        const c = keep(top.nameObject);
        if (!c) throw new ExportError(`it rests on ${readName(top.nameObject)}, which is not declared`);
        const group = ['inductive', 'ctor', 'rec'].includes(c.kind) ? family(c) : null;
        // The four constants of quotients come together, in their order, after the equality that they are about.
        const quotients = c.kind === 'quot' ? QUOTIENTS.map((text) => keep(name(text))) : null;
        const members = group ? [...group.types, ...group.ctors, ...group.recs] : quotients || [c];
        members.forEach((member) => done.add(exactName(member.name)));
        done.add(key);
        top.ready = group
          ? () => {
            const [types, ctors, recs] = [group.types.map(inductive), group.ctors.map(ctor), group.recs.map(recursor)];
            line(`{"inductive":{"types":[${types}],"ctors":[${ctors}],"recs":[${recs}]}}`);
          }
          : () => (quotients || [c]).forEach(write);
        const need = (constant) => stack.push({ nameObject: constant, ready: null });
        if (quotients) need(name('Eq'));
        for (const member of members) {
          constants(member.type, need);
          if (member.value) constants(member.value, need);
        }
      }
    }

    return {
      add,
      // A constant's type alone, as an axiom's: for statements.
      addType(nameObject) {
        const c = keep(nameObject);
        if (!c) throw new ExportError('the statement declares no theorem');
        constants(c.type, (constant) => add(constant));
        line(`{"axiom":{${head(c)},"isUnsafe":false}}`);
      },
      finish() {
        held.forEach(dec);
        return `${lines.join('\n')}\n`;
      },
    };
  }

  return { begin };
}

module.exports = { makeExporter, ExportError };
