'use strict';
// The elaborator: keeps Lean loaded and runs hostile text. What it says of a proof decides nothing: for one that elaborates
// it hands out the declarations as data, which the checker judges.
// Usage: node --stack-size=4000 elaborator.js LEAN_JS LIBRARY MAX_HEARTBEATS

const { serve } = require('./answers.js');
const { makeConstants } = require('./constants.js');
const { makeExporter, ExportError } = require('./export.js');
const { makeExpressions } = require('./expressions.js');
const { makeFileOp, seal } = require('./file-op.js');
const { makeSession, TARGET } = require('./session.js');
const { makeSketchOp } = require('./sketch-op.js');
const { makeSourceOp } = require('./source-op.js');

const [leanJs, library, maxHeartbeats] = process.argv.slice(2);

function makeElaborator(lean, clock) {
  const { M, dec, name, isScalar, inc } = lean;
  seal(lean);
  const session = makeSession(lean, { maxHeartbeats, skipKernel: true }, clock);
  const constants = makeConstants(lean);
  const { begin } = makeExporter(lean, { ...makeExpressions(lean), ...constants });

  const errors = (messages) => ({ outcome: 'errors', messages });
  const rejected = (reason) => ({ outcome: 'rejected', messages: [reason] });

  function has(env, nameObject) {
    const option = M._l_Lean_Environment_find_x3f(inc(env), inc(nameObject), 0);
    if (isScalar(option)) return false;
    dec(option);
    return true;
  }

  // The data of what `write` chooses of `env`, without what is known to be in `base`.
  function exported(env, base, write) {
    const output = begin(env, (nameObject) => has(base, nameObject));
    try {
      write(output);
      return { outcome: 'done', export: output.finish() };
    } catch (error) {
      output.finish();
      if (error instanceof ExportError) return rejected(error.message);
      throw error;
    }
  }

  // Elaborates a proof. `foreign`: nobody trusts the header, so what it declares is handed out as well.
  function elaborate({ header, signature, proof, foreign, messages: most }) {
    // A tactic that asks the kernel itself must get its answer at once.
    const kernel = /kernel/.test(proof) || /kernel/.test(signature);
    const { env, messages, commands } = session.elaborate(header, session.theoremText(signature, proof), { kernel, most });
    try {
      if (messages.length) return errors(messages);
      const target = name(TARGET);
      const found = constants.find(env, target);
      if (!found) return rejected('the proof declares no theorem');
      const { kind } = found;
      dec(found.option);
      const context = session.contextOf(header, kernel);
      if (commands !== commandsOf(context)) return rejected('the proof is more than one declaration');
      if (kind !== 'thm') return rejected('the proof does not declare a theorem');
      return exported(env, foreign ? context.base.env : context.env, (output) => output.add(target));
    } finally {
      dec(env);
    }
  }

  // How many commands a text of one theorem has below this header: the lines that go before it count as well.
  function commandsOf(context) {
    if (context.commands === undefined) {
      context.commands = session.count(context, `theorem _root_.${TARGET} : True := trivial`);
    }
    return context.commands;
  }

  // Elaborates a statement that nobody trusts.
  function statement({ header, signature }) {
    const { env, messages } = session.elaborate(header, `theorem _root_.${TARGET} ${signature} := sorry`);
    try {
      if (messages.length) return errors(messages);
      return exported(env, session.contextOf(header).base.env, (output) => output.addType(name(TARGET)));
    } finally {
      dec(env);
    }
  }

  // The first use of a tactic compiles a part of the 137 MB build: better before the first check.
  function warmUp() {
    for (const proof of ['by omega', 'by simp [Nat.add_comm]', 'by\n  induction a with\n  | zero => simp\n  | succ n ih => omega']) {
      elaborate({ header: '', signature: '(a b : Nat) : a + b = b + a', proof });
    }
  }

  const { file, environment, readMessages } = makeFileOp(lean, Number(maxHeartbeats), () => session.environment(''), session.forgetModule);
  const source = makeSourceOp(lean, { maxHeartbeats: Number(maxHeartbeats), environments: environment, readMessages, constants, exporter: begin, clock });
  const sketch = makeSketchOp(lean, session);
  return { operations: { elaborate, statement, file, source, sketch }, warmUp };
}

serve(leanJs, library, makeElaborator);
