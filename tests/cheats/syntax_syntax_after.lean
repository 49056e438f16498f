-- cheat: adds syntax
-- statement: : True
trivial
syntax "cheat" : tactic
