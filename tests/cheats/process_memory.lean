-- cheat: takes memory until the process ends
-- wall: gate
-- statement: : 1 = 2
by
  first
  | (simp (maxSteps := (List.range 100000000).foldl (fun a x => a + x) 5); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
