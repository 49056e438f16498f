-- cheat: runs code as a tactic
-- statement: : False
by run_tac Lean.Elab.Tactic.evalTactic (← `(tactic| sorry))
