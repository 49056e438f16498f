-- cheat: opens a section
-- statement: : True
trivial
section
