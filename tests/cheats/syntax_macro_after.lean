-- cheat: adds a macro
-- wall: gate
-- statement: : True
trivial
macro "cheat" : tactic => `(tactic| sorry)
