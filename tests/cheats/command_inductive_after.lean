-- cheat: adds an inductive type
-- statement: : True
trivial
inductive Extra | a
