-- cheat: makes a wrong simp set
-- statement: : True
trivial
attribute [-simp] Nat.add_zero
