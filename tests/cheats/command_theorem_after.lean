-- cheat: adds a second theorem
-- statement: : True
trivial
theorem extra : True := trivial
