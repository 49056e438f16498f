-- cheat: proves an easier theorem after a failed one
-- wall: gate
-- statement: : False
by trivial
theorem easier : True := trivial
