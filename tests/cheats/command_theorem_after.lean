-- cheat: adds a second theorem
-- wall: gate
-- statement: : True
trivial
theorem extra : True := trivial
