'use strict';
// Export data as Lean's own declarations. The data comes from a process that ran hostile text, so every number is looked
// at before it is used: what is read here can be false, but it is well-formed or refused.

const BINDERS = new Map([['default', 0], ['implicit', 1], ['strictImplicit', 2], ['instImplicit', 3]]);
const MAX_LINES = 2000000;
// The loose variables of a term are counted in 20 bits, over which Lean's own count would be wrong.
const MAX_VARIABLE = 1 << 16;
const MAX_DIGITS = 100000;
const MAX_NAME = 1000; // parts of a name
const MAX_LEVEL = 10000; // nodes of a universe level, written out

const COMPILED = new Set(['Lean.reduceBool', 'Lean.reduceNat']);

class BadExport extends Error {}

function makeDeclarations(lean) {
  const { M, box, inc, dec, string, makeNatural, constructor, list } = lean;
  const natural = (n) => box(n);

  function refuse(reason) {
    throw new BadExport(`the declarations handed over are not well-formed: ${reason}`);
  }
  const isCount = (n) => Number.isInteger(n) && n >= 0 && n < 1 << 30;
  function count(n) {
    if (!isCount(n)) refuse('a number is missing');
    return n;
  }
  // Names hold numbers of any size.
  function number(n) {
    if (!Number.isSafeInteger(n) || n < 0) refuse('a number is missing');
    return makeNatural(String(n));
  }
  function flag(b) {
    if (typeof b !== 'boolean') refuse('a truth value is missing');
    return b;
  }

  // Reads a whole export. The tables hold one reference to each object, which `free` gives back.
  function read(text) {
    const names = [box(0)];
    const texts = [''];
    const levels = [M._lean_level_mk_zero(box(0))];
    const exprs = [];
    const sizes = { names: [0], levels: [1] };
    const records = [];

    const at = (table, id) => {
      if (!Number.isInteger(id) || id < 0 || id >= table.length) refuse('a line refers to a later one');
      return table[id];
    };
    const nameAt = (id) => inc(at(names, id));
    const levelAt = (id) => inc(at(levels, id));
    const exprAt = (id) => inc(at(exprs, id));
    const nameList = (ids) => {
      if (!Array.isArray(ids)) refuse('a list of names is missing');
      return list(ids.map(nameAt));
    };
    function enter(table, sizesOf, id, ids, value, most) {
      if (id !== table.length) refuse('lines are not numbered in order');
      const size = ids.reduce((sum, below) => sum + sizesOf[below], 1);
      if (size > most) refuse('a name or level is too large');
      sizesOf.push(size);
      table.push(value);
    }

    function nameLine(row) {
      const { str, num, in: id } = row;
      const part = str || num || refuse('an unknown kind of name');
      const pre = nameAt(part.pre);
      if (str && typeof str.str !== 'string') refuse('a name has no text');
      const made = str ? M._lean_name_mk_string(pre, string(str.str)) : M._l_Lean_Name_num___override(pre, number(num.i));
      enter(names, sizes.names, id, [part.pre], made, MAX_NAME);
      texts.push(`${texts[part.pre]}${part.pre ? '.' : ''}${str ? str.str : num.i}`);
    }
    function levelLine(row) {
      const { succ, max, imax, param, il: id } = row;
      const add = (ids, made) => enter(levels, sizes.levels, id, ids, made, MAX_LEVEL);
      if (succ !== undefined) return add([succ], M._lean_level_mk_succ(levelAt(succ)));
      if (param !== undefined) return add([], M._lean_level_mk_param(nameAt(param)));
      const pair = max || imax;
      if (!Array.isArray(pair) || pair.length !== 2) refuse('an unknown kind of level');
      const [a, b] = pair.map(levelAt);
      return add(pair, max ? M._lean_level_mk_max(a, b) : M._lean_level_mk_imax(a, b));
    }
    function expression(row) {
      if (row.bvar !== undefined) {
        if (!isCount(row.bvar) || row.bvar > MAX_VARIABLE) refuse('a bound variable is out of range');
        return M._lean_expr_mk_bvar(natural(row.bvar));
      }
      if (row.sort !== undefined) return M._lean_expr_mk_sort(levelAt(row.sort));
      if (row.const) {
        if (!Array.isArray(row.const.us)) refuse('a constant has no levels');
        // The kernel would run compiled code for these.
        if (COMPILED.has(texts[row.const.name])) refuse(`they name ${texts[row.const.name]}, which trusts the compiler`);
        return M._lean_expr_mk_const(nameAt(row.const.name), list(row.const.us.map(levelAt)));
      }
      if (row.app) return M._lean_expr_mk_app(exprAt(row.app.fn), exprAt(row.app.arg));
      const binder = row.lam || row.forallE;
      if (binder) {
        const info = BINDERS.get(binder.binderInfo);
        if (info === undefined) refuse('an unknown kind of binder');
        const make = row.lam ? M._lean_expr_mk_lambda : M._lean_expr_mk_forall;
        return make(nameAt(binder.name), exprAt(binder.type), exprAt(binder.body), info);
      }
      if (row.letE) {
        const { name, type, value, body, nondep } = row.letE;
        return M._lean_expr_mk_let(nameAt(name), exprAt(type), exprAt(value), exprAt(body), flag(nondep) ? 1 : 0);
      }
      if (row.proj) return M._lean_expr_mk_proj(nameAt(row.proj.typeName), natural(count(row.proj.idx)), exprAt(row.proj.struct));
      if (row.natVal !== undefined) {
        if (typeof row.natVal !== 'string' || !/^(0|[1-9]\d*)$/.test(row.natVal) || row.natVal.length > MAX_DIGITS) refuse('a number is not written in digits');
        return M._lean_expr_mk_lit(constructor(0, [makeNatural(row.natVal)]));
      }
      if (typeof row.strVal === 'string') return M._lean_expr_mk_lit(constructor(1, [string(row.strVal)]));
      if (row.mdata) return exprAt(row.mdata.expr);
      return refuse('an unknown kind of expression');
    }
    function exprLine(row) {
      if (row.ie !== exprs.length) refuse('lines are not numbered in order');
      exprs.push(expression(row));
    }

    // A record's parts stay borrowed from the tables; `declaration` makes what the kernel takes.
    function record(kind, part, extra) {
      const made = {
        kind,
        name: at(names, part.name),
        type: at(exprs, part.type),
        value: part.value === undefined ? null : at(exprs, part.value),
        levels: nameList(part.levelParams),
        isUnsafe: part.isUnsafe === undefined ? false : flag(part.isUnsafe),
        ...extra,
      };
      records.push(made);
      return made;
    }
    function hints(value) {
      if (value === 'opaque') return box(0);
      if (value === 'abbrev') return box(1);
      return M._lean_mk_reducibility_hints_regular(count(value && value.regular));
    }
    function declarationLine(row) {
      if (row.axiom) {
        const made = record('axiom', row.axiom);
        made.declaration = () => constructor(0, [M._lean_mk_axiom_val(inc(made.name), inc(made.levels), inc(made.type), 0)]);
      } else if (row.def) {
        const part = row.def;
        const made = record('def', part, { isUnsafe: part.safety !== 'safe' });
        made.declaration = () => constructor(1, [
          M._lean_mk_definition_val(inc(made.name), inc(made.levels), inc(made.type), inc(made.value), hints(part.hints), 1, nameList(part.all)),
        ]);
      } else if (row.thm) {
        const made = record('thm', row.thm);
        made.declaration = () => constructor(2, [
          M._lean_mk_theorem_val(inc(made.name), inc(made.levels), inc(made.type), inc(made.value), nameList(row.thm.all)),
        ]);
      } else if (row.opaque) {
        const made = record('opaque', row.opaque);
        made.declaration = () => constructor(3, [
          M._lean_mk_opaque_val(inc(made.name), inc(made.levels), inc(made.type), inc(made.value), 0, nameList(row.opaque.all)),
        ]);
      } else if (row.inductive) {
        inductiveLine(row.inductive);
      } else {
        refuse('an unknown kind of declaration');
      }
    }
    // The kernel works out recursors itself: what the data says of them is not looked at.
    function inductiveLine({ types, ctors }) {
      const isPart = (part) => part !== null && typeof part === 'object';
      if (!Array.isArray(types) || types.length === 0 || !Array.isArray(ctors) || ![...types, ...ctors].every(isPart)) {
        refuse('an inductive type is not whole');
      }
      const constructors = new Map(ctors.map((part) => [part.name, { name: at(names, part.name), type: at(exprs, part.type), isUnsafe: flag(part.isUnsafe) }]));
      const members = types.map((part) => ({
        name: at(names, part.name),
        type: at(exprs, part.type),
        isUnsafe: flag(part.isUnsafe),
        ctors: (Array.isArray(part.ctors) ? part.ctors : []).map((id) => constructors.get(id) || refuse('a constructor is missing')),
      }));
      const made = record('inductive', types[0], { members, isUnsafe: [...members, ...constructors.values()].some((part) => part.isUnsafe) });
      made.declaration = () => {
        const built = members.map((type) =>
          constructor(0, [inc(type.name), inc(type.type), list(type.ctors.map((part) => constructor(0, [inc(part.name), inc(part.type)])))]),
        );
        return M._lean_mk_inductive_decl(inc(made.levels), natural(count(types[0].numParams)), list(built), 0);
      };
    }

    function readLine(line) {
      let row;
      try {
        row = JSON.parse(line);
      } catch {
        refuse('a line is not JSON');
      }
      if (row === null || typeof row !== 'object') refuse('a line is no object');
      if (row.meta) return;
      if (row.in !== undefined) nameLine(row);
      else if (row.il !== undefined) levelLine(row);
      else if (row.ie !== undefined) exprLine(row);
      else declarationLine(row);
    }
    function free() {
      records.forEach(({ levels: own }) => dec(own));
      [names, levels, exprs].forEach((table) => table.forEach(dec));
    }

    const lines = text.split('\n');
    if (lines.length > MAX_LINES) refuse('there are too many lines');
    try {
      lines.filter((line) => line !== '').forEach(readLine);
    } catch (error) {
      free();
      throw error;
    }
    return { records, free };
  }

  return { read };
}

module.exports = { makeDeclarations, BadExport };
