-- cheat: adds a definition
-- wall: gate
-- statement: : True
trivial
def extra : Nat := 1
