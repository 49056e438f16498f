-- cheat: adds an example
-- wall: gate
-- statement: : True
trivial
example : True := trivial
