-- cheat: assigns a proof of something else with code
-- wall: gate
-- statement: : False
by run_tac (← Lean.Elab.Tactic.getMainGoal).assign (.const ``True.intro [])
