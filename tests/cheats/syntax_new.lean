-- cheat: adds syntax
-- wall: gate
-- statement: : False
by cheat
syntax "cheat" : tactic
