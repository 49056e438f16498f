-- cheat: assigns the goal by code
-- statement: : False
by run_tac do (← Lean.Elab.Tactic.getMainGoal).admit
