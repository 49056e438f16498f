-- cheat: prints a declaration
-- statement: : True
trivial
#print Nat
