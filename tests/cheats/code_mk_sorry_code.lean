-- cheat: assigns the goal by code
-- wall: gate
-- statement: : False
by run_tac do (← Lean.Elab.Tactic.getMainGoal).admit
