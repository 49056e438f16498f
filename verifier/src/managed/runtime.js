'use strict';
// Lean's WebAssembly build as a library: start it once, call its exported functions on its own objects.
// wasm32 object layout: reference count at 0, field count at 6, tag at 7, fields from 8 (4 bytes each);
// strings: byte length with the final zero at 8, bytes from 20; arrays: length at 8, items from 16.

const MODULE = '/stp-library'; // where the library is mounted inside the build's own file system
const STACK_MIB = 64; // the build's default of 64 KiB traps on a few hundred nested parentheses

let lastWords = ''; // the last complaint that the build wrote to its standard error

function describe(error) {
  const said = lastWords && ` (${lastWords})`;
  if (typeof WebAssembly.Exception !== 'undefined' && error instanceof WebAssembly.Exception) {
    return `an exception inside Lean${said}`;
  }
  // So emscripten ends a program: Lean found no way on, mostly for want of stack or memory.
  if (error === 'unwind') return `Lean gave up${said}`;
  return `${(error && error.message) || error}${said}`;
}

function start(leanJs, library, onReady, onFatal) {
  const M = (globalThis.LeanModule = {
    noInitialRun: true,
    noExitRuntime: true,
    stdin: () => null, // requests come that way and are nobody else's to read
    print() {},
    printErr(text) {
      if (/panic|memory|overflow|abort/i.test(text)) lastWords = String(text).slice(0, 300);
    },
    onRuntimeInitialized() {
      setTimeout(() => {
        try {
          onReady(initialise(M, library));
        } catch (error) {
          onFatal(error);
        }
      }, 0);
    },
  });
  require(leanJs);
}

function initialise(M, library) {
  const X = M.__x;
  // Most of Lean's functions are not exported: they are found through the table of symbols, once each.
  Object.setPrototypeOf(M, new Proxy({}, {
    get(base, key) {
      if (key in base || typeof key !== 'string' || key[0] !== '_') return base[key];
      const found = X.symbol(key.slice(1));
      if (found !== undefined) M[key] = found;
      return found;
    },
  }));
  let seen = new DataView(X.wasmMemory().buffer);
  // The memory's buffer is another one when it has grown.
  const view = () => {
    const { buffer } = X.wasmMemory();
    if (seen.buffer !== buffer) seen = new DataView(buffer);
    return seen;
  };
  const bytes = () => X.HEAP();
  const isScalar = (p) => (p & 1) === 1;
  const tag = (p) => view().getUint8(p + 7);
  const field = (p, i) => view().getUint32(p + 8 + 4 * i, true);
  const box = (n) => (n << 1) | 1;

  function inc(p) {
    if (isScalar(p)) return p;
    const v = view();
    const count = v.getInt32(p, true);
    if (count > 0) v.setInt32(p, count + 1, true);
    else if (count < 0) v.setInt32(p, count - 1, true);
    return p;
  }
  function dec(p) {
    if (isScalar(p)) return;
    const v = view();
    const count = v.getInt32(p, true);
    if (count > 1) v.setInt32(p, count - 1, true);
    else if (count !== 0) M._lean_dec_ref_cold(p);
  }
  function allocate(size) {
    const p = M._malloc(size);
    if (!p) throw new Error('out of memory');
    return p;
  }
  // By its length: a string may hold a NUL.
  function string(text) {
    const data = Buffer.from(text, 'utf8');
    const p = allocate(data.length + 1);
    bytes().set(data, p);
    const result = M._lean_mk_string_from_bytes(p, data.length);
    M._free(p);
    return result;
  }
  function readString(p) {
    const length = view().getUint32(p + 8, true) - 1;
    return Buffer.from(bytes().slice(p + 20, p + 20 + length)).toString('utf8');
  }
  function array(p) {
    const v = view();
    return Array.from({ length: v.getUint32(p + 8, true) }, (_, i) => v.getUint32(p + 16 + 4 * i, true));
  }
  function name(text) {
    return text.split('.').reduce((prefix, part) => M._lean_name_mk_string(prefix, string(part)), box(0));
  }
  function readName(p) {
    const parts = [];
    for (; !isScalar(p); p = field(p, 0)) {
      const last = field(p, 1);
      parts.push(tag(p) === 1 ? readString(last) : natural(last));
    }
    return parts.reverse().join('.');
  }
  // A name that no other has, whatever characters it consists of.
  function exactName(p) {
    const parts = [];
    for (; !isScalar(p); p = field(p, 0)) {
      const last = field(p, 1);
      parts.push(tag(p) === 1 ? JSON.stringify(readString(last)) : natural(last));
    }
    return parts.reverse().join('.');
  }
  // A natural number in decimal digits. Those that do not fit a pointer are objects: size at 12, at 16 the place of
  // their 32-bit digits, the lowest first.
  function natural(p) {
    if (isScalar(p)) return String(p >>> 1);
    const v = view();
    const [size, digits] = [v.getUint32(p + 12, true), v.getUint32(p + 16, true)];
    let value = 0n;
    for (let i = size - 1; i >= 0; i -= 1) value = (value << 32n) | BigInt(v.getUint32(digits + 4 * i, true));
    return value.toString();
  }
  function makeNatural(digits) {
    if (digits.length < 10) return box(Number(digits));
    const p = allocate(digits.length + 1);
    bytes().set(Buffer.from(`${digits}\0`, 'latin1'), p);
    const result = M._lean_cstr_to_nat(p);
    M._free(p);
    return result;
  }
  // An object of a constructor with these object fields, which it takes over, and up to four bytes behind them.
  function constructor(kind, fields, scalars = []) {
    const size = 8 + 4 * fields.length + (scalars.length ? 4 : 0);
    const p = M._lean_alloc_object(size);
    const v = view();
    v.setInt32(p, 1, true);
    v.setUint16(p + 4, size, true);
    v.setUint8(p + 6, fields.length);
    v.setUint8(p + 7, kind);
    fields.forEach((value, i) => v.setUint32(p + 8 + 4 * i, value, true));
    scalars.forEach((value, i) => v.setUint8(p + 8 + 4 * fields.length + i, value));
    return p;
  }
  const list = (items) => items.reduceRight((rest, item) => constructor(1, [item, rest]), box(0));
  function readList(p) {
    const items = [];
    for (; !isScalar(p); p = field(p, 1)) items.push(field(p, 0));
    return items;
  }
  // A byte among the scalar fields of an object, which follow its object fields.
  const scalarByte = (p, offset) => view().getUint8(p + 8 + 4 * view().getUint8(p + 6) + offset);
  // The value of an IO result; the result object itself stays owned by the caller.
  function unwrap(result, what) {
    if (tag(result) === 0) return field(result, 0);
    throw new Error(`${what}: ${readString(M._lean_io_error_to_string(field(result, 0)))}`);
  }
  function inputContext(source) {
    const text = string(source);
    const length = view().getUint32(text + 8, true) - 1;
    return M._l_Lean_Parser_mkInputContext___redArg(text, string('<in>'), 1, box(length));
  }

  const { FS } = X;
  FS.mkdir(MODULE);
  FS.mount(X.NODEFS, { root: library }, MODULE);
  const size = STACK_MIB << 20;
  const base = (M._malloc(size) + 15) & ~15;
  const top = (base + size - 64) & ~15;
  X.setStackLimits(top, base);
  X.stackRestore(top);
  M._lean_initialize();
  const path = M._lean_alloc_object(16); // the list [MODULE]
  view().setInt32(path, 1, true);
  view().setUint16(path + 4, 16, true);
  view().setUint8(path + 6, 2);
  view().setUint8(path + 7, 1);
  const root = string(MODULE);
  view().setUint32(path + 8, root, true);
  view().setUint32(path + 12, box(0), true);
  unwrap(M._l_Lean_initSearchPath(string(MODULE), path), 'search path');
  M._lean_enable_initializer_execution();
  M._lean_io_mark_end_initialization();
  M._lean_init_task_manager();
  // Sets the kernel's count back, which is of all that a thread has ever checked: what went before is to be no part of a limit.
  const resetHeartbeats = M.__ZN4lean15reset_heartbeatEv; // looked up before the library is narrowed
  return {
    M, X, view, isScalar, tag, field, box, inc, dec, string, readString, array, name, readName, exactName, natural,
    makeNatural, constructor, list, readList, scalarByte, unwrap, inputContext, resetHeartbeats,
  };
}

module.exports = { start, describe };
