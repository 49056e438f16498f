-- cheat: adds syntax
-- wall: gate
-- statement: : True
trivial
syntax "cheat" : tactic
