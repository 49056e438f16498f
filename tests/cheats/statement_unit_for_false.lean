-- cheat: takes True for False
-- statement: : False
(trivial : True)
