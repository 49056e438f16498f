-- cheat: adds an elaborator
-- wall: gate
-- statement: : True
trivial
elab "cheat" : tactic => pure ()
