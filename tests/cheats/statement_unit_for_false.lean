-- cheat: takes True for False
-- wall: gate
-- statement: : False
(trivial : True)
