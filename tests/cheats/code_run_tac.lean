-- cheat: runs code as a tactic
-- wall: gate
-- statement: : False
by run_tac Lean.Elab.Tactic.evalTactic (← `(tactic| sorry))
