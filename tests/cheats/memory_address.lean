-- cheat: finds out where an object lies, and acts on it
-- wall: gate
-- statement: : 0 = 1
by
  first
  | (simp (maxSteps := (List.range 1).foldl (fun a x => let b := [x, x]; a + (ptrAddrUnsafe b).toNat % 16) 5); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
