-- cheat: divides by zero
-- wall: lean
-- statement: (a : Nat) : a / 0 * 0 = a
by simp
