-- cheat: makes a wrong simp set
-- wall: gate
-- statement: : True
trivial
attribute [-simp] Nat.add_zero
