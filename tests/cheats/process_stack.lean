-- cheat: exhausts the stack
-- wall: gate
-- statement: : 1 = 2
by
  first
  | (simp (maxSteps := (List.range 1000000).foldl (fun (f : Nat → Nat) x => fun y => f (y + x)) id 5); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
