-- cheat: exports names
-- statement: : True
trivial
export Nat (add)
