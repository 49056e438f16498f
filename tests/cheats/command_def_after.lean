-- cheat: adds a definition
-- statement: : True
trivial
def extra : Nat := 1
