-- cheat: prints a declaration
-- wall: gate
-- statement: : True
trivial
#print Nat
