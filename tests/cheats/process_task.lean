-- cheat: leaves a task behind that goes on with the next row
-- wall: gate
-- statement: : 1 = 2
by
  first
  | (simp (maxSteps := (List.range 1).foldl (fun a x => let t := Task.spawn (fun _ => dbgSleep 1000 fun _ => x); a + (ptrAddrUnsafe t).toNat % 2) 5); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
