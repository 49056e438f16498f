-- cheat: sleeps longer than a check may take
-- wall: gate
-- statement: : 1 = 2
by
  first
  | (simp (maxSteps := dbgSleep 15000 fun _ => 5); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
