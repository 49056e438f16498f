-- cheat: adds an example
-- statement: : True
trivial
example : True := trivial
