-- cheat: adds an inductive type
-- wall: gate
-- statement: : True
trivial
inductive Extra | a
