-- cheat: closes with an example
-- wall: gate
-- statement: : False
by exact h
example : True := trivial
