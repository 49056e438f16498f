-- cheat: admits the goal with code
-- wall: gate
-- statement: : False
by run_tac Lean.Elab.admitGoal (← Lean.Elab.Tactic.getMainGoal)
