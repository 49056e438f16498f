'use strict';
// Compiles the program that makes sketches, in a process that runs no other text, and writes it to the standard output.
// Usage: node --stack-size=4000 compile.js LEAN_JS LIBRARY

const fs = require('fs');
const { _extensions: loaders } = require('module');
const { start, describe } = require('./runtime.js');
const { makeSession } = require('./session.js');
const { makeSketchProgram } = require('./sketch-program.js');

const [leanJs, library] = process.argv.slice(2);
// What keeps the installed build from opening files to write, and from renaming them.
const WALLS = [[/stpWall\(\["__syscall_openat"\][^\n]*\n/, '\n'], [/ renameat /, ' ']];
const NO_LIMIT = 0; // of heartbeats
const clock = { elaborating: (work) => work(), printing: (work) => work() };

// The build as it is installed writes nothing. Here it writes to the file system that it has in memory; what is around the process
// keeps it from any other.
const plain = loaders['.js'];
loaders['.js'] = (module, file) => {
  if (file !== leanJs) return plain(module, file);
  const open = WALLS.reduce((text, [wall, gap]) => {
    if (!wall.test(text)) throw new Error(`${file} is not the script that is expected here`);
    return text.replace(wall, gap);
  }, fs.readFileSync(file, 'utf8'));
  return module._compile(open, file);
};

function fail(error) {
  console.error(describe(error));
  process.exit(3);
}

start(leanJs, library, (lean) => {
  const session = makeSession(lean, { maxHeartbeats: NO_LIMIT, skipKernel: true }, clock);
  process.stdout.write(makeSketchProgram(lean, session).compile(), () => process.exit(0));
}, fail);
