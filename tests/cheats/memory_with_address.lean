-- cheat: finds out where an object lies by a function that is called safe
-- wall: gate
-- statement: : 0 = 1
by
  first
  | (simp (maxSteps := withPtrAddr [1, 2] (fun p => p.toNat % 16 + 5) (lcCast trivial)); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
