'use strict';
// One JSON line in, one JSON line out. Answers start with `@stp ` and repeat their question's number, which nobody can
// guess: whatever else the build prints is noise.

const fs = require('fs');
const { Worker } = require('worker_threads');
const { start, describe } = require('./runtime.js');

function reply(value) {
  const line = Buffer.from(`@stp ${JSON.stringify(value)}\n`);
  // A pipe takes a long line in pieces, and none while it is full.
  for (let at = 0; at < line.length; ) {
    try {
      at += fs.writeSync(1, line, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

// CPU time of Lean's elaborator and kernel, and of its printer of errors, in microseconds: what the judge's own work is
// measured against. It is the whole process's, because Lean elaborates in threads of its own.
function makeClock() {
  const clock = { lean_us: 0, print_us: 0 };
  const timed = (key) => (work) => {
    const before = process.cpuUsage();
    try {
      return work();
    } finally {
      const { user, system } = process.cpuUsage(before);
      clock[key] += user + system;
    }
  };
  return Object.assign(clock, { elaborating: timed('lean_us'), printing: timed('print_us') });
}

// Loads Lean, makes `{ op: answer }` of it, warms it up and answers until the input ends.
function serve(leanJs, library, make) {
  // The main thread is blocked while Lean works, so a second one sees to it that no orphan stays.
  new Worker(
    `const parent = process.ppid;
     setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL'); }, 500);`,
    { eval: true },
  );
  const clock = makeClock();
  const onFatal = (error) => {
    reply({ fatal: describe(error) });
    process.exit(3);
  };
  start(leanJs, library, (lean) => {
    const { operations, warmUp } = make(lean, clock);
    warmUp();
    let pending = '';
    process.stdin.setEncoding('utf8');
    process.stdin.on('data', (chunk) => {
      pending += chunk;
      for (let end; (end = pending.indexOf('\n')) >= 0; ) {
        const line = pending.slice(0, end);
        pending = pending.slice(end + 1);
        lean.resetHeartbeats();
        answer(operations, clock, line);
      }
    });
    process.stdin.on('end', () => process.exit(0));
    reply({ ready: true, rss: process.memoryUsage.rss() });
  }, onFatal);
}

function answer(operations, clock, line) {
  const request = JSON.parse(line);
  const began = process.hrtime.bigint();
  Object.assign(clock, { lean_us: 0, print_us: 0 });
  let body;
  try {
    body = operations[request.op](request);
  } catch (error) {
    // After a trap nothing in the WebAssembly memory can be trusted.
    reply({ id: request.id, crashed: describe(error) });
    process.exit(3);
  }
  const elapsed_ms = Number((process.hrtime.bigint() - began) / 1000000n);
  reply({ id: request.id, ...body, elapsed_ms, lean_us: clock.lean_us, print_us: clock.print_us, rss: process.memoryUsage.rss() });
}

module.exports = { serve };
