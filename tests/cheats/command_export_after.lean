-- cheat: exports names
-- wall: gate
-- statement: : True
trivial
export Nat (add)
