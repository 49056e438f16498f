-- cheat: makes a tactic with code of its own
-- wall: gate
-- statement: : False
by cheat
elab "cheat" : tactic => Lean.Elab.admitGoal (← Lean.Elab.Tactic.getMainGoal)
