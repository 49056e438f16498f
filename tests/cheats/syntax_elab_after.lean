-- cheat: adds an elaborator
-- statement: : True
trivial
elab "cheat" : tactic => pure ()
