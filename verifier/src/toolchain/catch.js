// Catching C++ exceptions in WebAssembly. The build calls what may throw through imports `invoke_…`, functions of JavaScript
// each: into JavaScript and back for every call. Here a small module has them: each calls the
// function at a place of the table, and catches what `stpRaise` throws. Letters of a name are types: result, then arguments.
var stpRaise;
function stpCatch(imports) {
  const number = (n) => (n > 127 ? [(n & 127) | 128, ...number(n >>> 7)] : [n]);
  const constant = (n) => [0x41, ...(n > 63 ? [(n & 127) | 128, ...constant(n >>> 7).slice(1)] : [n])];
  const vector = (items) => [...number(items.length), ...items.flat()];
  const text = (s) => vector([...s].map((c) => c.charCodeAt(0)));
  const section = (id, body) => [id, ...number(body.length), ...body];
  const letters = { i: 0x7f, j: 0x7e, f: 0x7d, d: 0x7c };
  const zero = { v: [], i: [0x41, 0], j: [0x42, 0], f: [0x43, 0, 0, 0, 0], d: [0x44, 0, 0, 0, 0, 0, 0, 0, 0] };
  const types = [];
  function typeOf([result, ...parameters]) {
    const type = [0x60, ...vector(parameters.map((letter) => [letters[letter]])), ...(result === 'v' ? [0] : [1, letters[result]])];
    const known = types.findIndex((other) => other.join() === type.join());
    return number(known >= 0 ? known : types.push(type) - 1);
  }
  const get = (local) => [0x20, ...number(local)];
  const callAt = (signature) => [0x11, ...typeOf(signature), 0];
  const call = (symbol, signature) => [...constant(stpSymbol(symbol)), ...callAt(signature)];
  function body(name) {
    const signature = name.slice('invoke_'.length);
    const result = signature[0];
    const stack = signature.length; // the local variable after the place and the arguments
    const code = [
      1, 1, letters.i, ...call('emscripten_stack_get_current', 'i'), 0x21, ...number(stack),
      0x06, result === 'v' ? 0x40 : letters[result], // try
      ...[...signature].slice(1).flatMap((_, i) => get(i + 1)), ...get(0), ...callAt(signature),
      0x07, 0, // catch
      ...get(stack), ...call('_emscripten_stack_restore', 'vi'), ...constant(1), ...constant(0), ...call('setThrew', 'vii'), ...zero[result],
      0x0b, 0x0b,
    ];
    return [...number(code.length), ...code];
  }
  const names = Object.keys(imports).filter((name) => /^invoke_[vijfd]+$/.test(name));
  const bodies = [...names.map(body), [4, 0, 0x08, 0, 0x0b]];
  const kinds = [...names.map((name) => typeOf(`${name[7]}i${name.slice(8)}`)), typeOf('v')];
  const module = new WebAssembly.Module(new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, vector(types)),
    ...section(2, vector([[...text('env'), ...text('table'), 1, 0x70, 0, 0]])),
    ...section(3, vector(kinds)),
    ...section(13, vector([[0, ...typeOf('v')]])),
    ...section(7, vector([...names, 'raise'].map((name, i) => [...text(name), 0, ...number(i)]))),
    ...section(10, vector(bodies)),
  ]));
  wasmTable = new WebAssembly.Table({ element: 'anyfunc', initial: TABLE_SIZE });
  const { raise, ...catching } = new WebAssembly.Instance(module, { env: { table: wasmTable } }).exports;
  stpRaise = raise;
  Object.assign(imports, catching, { __indirect_function_table: wasmTable });
}
