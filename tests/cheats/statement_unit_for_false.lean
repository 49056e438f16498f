-- cheat: takes True for False
-- wall: lean
-- statement: : False
(trivial : True)
