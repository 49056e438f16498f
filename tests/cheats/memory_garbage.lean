-- cheat: writes over the whole heap
-- wall: gate
-- statement: : 0 = 1
by
  first
  | (simp (maxSteps := (List.range 1000000).foldl (fun a x => let c := ByteArray.empty.push x.toUInt8; a + (c.uset (x.toUSize * 64) 255 (lcCast trivial)).size) 5); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
