-- cheat: finds out whether an object is shared, and acts on it
-- wall: gate
-- statement: : 0 = 1
by
  first
  | (simp (maxSteps := (List.range 1).foldl (fun a x => let b := [x, x]; if isExclusiveUnsafe b then a + 1 else a) 5); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
