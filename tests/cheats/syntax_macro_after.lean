-- cheat: adds a macro
-- statement: : True
trivial
macro "cheat" : tactic => `(tactic| sorry)
