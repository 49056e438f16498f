'use strict';
// The managed Lean under the command line `lean --run FILE ARGUMENTS...`, for tests of the worker and the checker that native
// Lean runs: it elaborates the file and then runs its `main` in Lean's interpreter.
//   node --stack-size=4000 managed-lean.js RUNTIME_JS LEAN_JS LIBRARY COMPILED FILE ARGUMENTS...
// Arguments such as /dev/fd/7 are descriptors of this process. Elaborating would take most of the time, so the folder COMPILED
// has what became of it, by a process before that was no part of a pool:
//   node --stack-size=4000 managed-lean.js RUNTIME_JS LEAN_JS LIBRARY COMPILED FILE --compile

const crypto = require('crypto');
const fs = require('fs');
const { _extensions: loaders } = require('module');
const path = require('path');

const [runtime, leanJs, library, compiledFolder, file, ...args] = process.argv.slice(2);
const { start, describe } = require(runtime);
const ERROR = 2;
const DEFINITIONS = 'Lean.IR.declMapExt';
const SCRATCH = '/tmp/program'; // in the build's own file system, which is memory
const NO_WRITING = /stpWall\(\["__syscall_openat"\][^\n]*\n/;
const NO_RENAMING = / renameat /;

// The build as it is installed writes nowhere; this one writes to descriptors and in memory, and is taken apart below.
const plain = loaders['.js'];
loaders['.js'] = (module, script) => {
  if (!script.endsWith('/lean.js')) return plain(module, script);
  const text = fs.readFileSync(script, 'utf8');
  if (![NO_WRITING, NO_RENAMING].every((wall) => wall.test(text))) {
    throw new Error(`${script} is not the script that is expected here`);
  }
  const open = text.replace(NO_WRITING, '').replace(NO_RENAMING, ' ');
  return module._compile(`${open};Module.__x.ev=(c)=>eval(c);`, script);
};


start(leanJs, library, run, (error) => {
  console.error(describe(error));
  process.exit(3);
});

function run(lean) {
  const { M, X, view, tag, field, box, inc, dec, string, readString, array, unwrap, inputContext, name } = lean;
  // This build takes every text for a module, whose definitions hide their bodies. A plain text is none.
  const forgetModule = (env) => {
    const header = M._l_Lean_Environment_header(inc(env));
    view().setUint8(header + 8 + 4 * view().getUint8(header + 6) + 4, 0);
    dec(header);
  };
  const makeFile = descriptors(lean);
  takePlainTexts(lean, forgetModule);

  const source = fs.readFileSync(file, 'utf8');
  const options = M._lean_internal_get_default_options(box(0));
  M._lean_mark_persistent(options);
  const noArguments = M._lean_array_mk(box(0));
  M._lean_mark_persistent(noArguments);
  const context = inputContext(source);
  inc(context);
  inc(context);
  const parsed = unwrap(M._l_Lean_Parser_parseHeader(context), 'header');
  const rest = field(parsed, 1);
  const begin = inc(field(rest, 0));
  const processed = M._l_Lean_Elab_processHeader(field(parsed, 0), options, field(rest, 1), context, 0, noArguments, 0, name('Program'));
  const imported = unwrap(processed, 'imports');
  forgetModule(field(imported, 0));
  const compiled = path.join(compiledFolder, crypto.createHash('sha256').update(source).digest('hex'));
  if (args[0] === '--compile') {
    const env = elaborated(lean, context, begin, imported, options);
    unwrap(M._l_Lean_writeModule(inc(env), string(SCRATCH), 0, box(0)), 'writing the program');
    fs.writeFileSync(compiled, X.FS.readFile(SCRATCH));
    process.exit(0);
  }
  const found = M._lean_eval_const(withDefinitions(lean, field(imported, 0), compiled), options, name('main'));
  if (tag(found) === 0) {
    console.error(readString(field(found, 0)));
    process.exit(1);
  }
  const list = args.map(makeFile).reduceRight((tail, text) => cons(lean, text, tail), box(0));
  const result = M._lean_apply_2(inc(field(found, 0)), list, box(0));
  if (tag(result) !== 0) {
    console.error(readString(M._lean_io_error_to_string(field(result, 0))));
    process.exit(1);
  }
  process.exit(0);
}

// The environment after the text, which begins behind its imports.
function elaborated({ M, view, tag, field, inc, readString, array, unwrap }, context, begin, imported, options) {
  const state = M._l_Lean_Elab_Command_mkState(inc(field(imported, 0)), inc(field(imported, 1)), options);
  const final = field(unwrap(M._l_Lean_Elab_IO_processCommands(context, begin, state), 'elaboration'), 0);
  let failed = false;
  for (const item of array(M._l_Lean_MessageLog_toArray(inc(field(final, 1))))) {
    inc(item);
    const shown = M._l_Lean_Message_toString(item, 0);
    console.error(readString(tag(shown) === 249 ? shown : field(shown, 0)).trim());
    failed = failed || view().getUint8(item + 8 + 4 * view().getUint8(item + 6) + 1) === ERROR;
  }
  if (failed) process.exit(1);
  return field(final, 0);
}

// The imports' environment with the definitions of a compiled text, which are all that Lean's interpreter needs.
function withDefinitions({ M, X, view, field, box, inc, string, readName, array, unwrap }, imported, compiled) {
  X.FS.writeFile(SCRATCH, fs.readFileSync(compiled));
  const read = M._l_Lean_readModuleData(string(SCRATCH), box(0));
  X.FS.unlink(SCRATCH);
  const module = field(unwrap(read, 'the compiled program'), 0);
  M._lean_mark_persistent(read);
  const extension = view().getUint32(M._l_Lean_IR_declMapExt, true);
  let env = inc(imported);
  for (const entry of array(field(module, 4))) {
    if (readName(field(entry, 0)) !== DEFINITIONS) continue;
    for (const definition of array(field(entry, 1))) {
      env = M._l_Lean_PersistentEnvExtension_addEntry___redArg(inc(extension), env, inc(definition), box(0), box(0));
    }
  }
  return env;
}

function cons({ M, view, string }, text, tail) {
  const p = M._lean_alloc_object(16);
  const v = view();
  v.setInt32(p, 1, true);
  v.setUint16(p + 4, 16, true);
  v.setUint8(p + 6, 2);
  v.setUint8(p + 7, 1);
  v.setUint32(p + 8, string(text), true);
  v.setUint32(p + 12, tail, true);
  return p;
}

// Makes this process's standard input that of the build, and descriptors files of it.
function descriptors({ X: { FS } }) {
  const input = FS.getStream(0);
  input.stream_ops = {
    ...input.stream_ops,
    read(stream, buffer, offset, length) {
      const block = Buffer.alloc(length);
      const count = readNow(block);
      buffer.set(block.subarray(0, count), offset);
      return count;
    },
  };
  return (argument) => {
    const match = /^\/dev\/fd\/(\d+)$/.exec(argument);
    if (!match) return argument;
    const device = FS.makedev(200, Number(match[1]));
    FS.registerDevice(device, {
      open(stream) { stream.seekable = false; },
      close() {},
      fsync() {},
      read: () => 0,
      write(stream, buffer, offset, length) {
        const data = Buffer.from(buffer.slice(offset, offset + length));
        for (let at = 0; at < data.length; ) at += writeNow(Number(match[1]), data, at);
        return length;
      },
    });
    FS.mkdev(`/descriptor-${match[1]}`, device);
    return `/descriptor-${match[1]}`;
  };
}

function readNow(block) {
  for (;;) {
    try {
      return fs.readSync(0, block, 0, block.length);
    } catch (error) {
      if (error.code === 'EOF') return 0;
      if (error.code !== 'EAGAIN') throw error;
      pause();
    }
  }
}

function writeNow(descriptor, data, at) {
  try {
    return fs.writeSync(descriptor, data, at);
  } catch (error) {
    if (error.code !== 'EAGAIN') throw error;
    pause();
    return 0;
  }
}

function pause() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
}

// Imports that the program asks for give environments of plain texts, as on a native Lean. The interpreter finds Lean's own
// functions by their names, so one of them gets another place.
function takePlainTexts({ X, tag, field }, forgetModule) {
  const symbol = 'l_Lean_Elab_processHeaderCore___boxed';
  const table = X.ev('wasmTable');
  const original = table.get(X.ev('stpSymbol')(symbol));
  const place = table.grow(1);
  const replacement = (...given) => {
    const result = original(...given);
    if (tag(result) === 0) forgetModule(field(field(result, 0), 0));
    return result;
  };
  table.set(place, asWasm(replacement, original.length));
  X.ev(`(place) => { const found = stpSymbol; stpSymbol = (s) => (s === '${symbol}' ? place : found(s)); }`)(place);
}

// A WebAssembly function of 32-bit integers that calls a JavaScript one.
function asWasm(f, arity) {
  const INT32 = 0x7f;
  const type = [1, 5 + arity, 1, 0x60, arity, ...Array(arity).fill(INT32), 1, INT32];
  const imports = [2, 7, 1, 1, 0x65, 1, 0x66, 0, 0]; // "e" "f"
  const exports = [7, 5, 1, 1, 0x66, 0, 0];
  const bytes = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...type, ...imports, ...exports]);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { f } }).exports.f;
}
