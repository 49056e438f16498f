-- cheat: makes a tactic that is sorry
-- wall: gate
-- statement: : False
by cheat
macro "cheat" : tactic => `(tactic| sorry)
