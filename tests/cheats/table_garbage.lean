-- cheat: makes a closure call what is no function
-- wall: gate
-- statement: : 1 = 2
by
  first
  | (simp (maxSteps := ((List.range 1).foldl (fun (fs : List (Nat → Nat)) x => (fun y => y * x + y) :: fs) []).foldl (fun a f =>
      let c := ByteArray.empty.push a.toUInt8
      let i : USize := ptrAddrUnsafe f + 8 - (ptrAddrUnsafe c + 16)
      let c := c.uset i 255 (lcCast trivial)
      let c := c.uset (i + 1) 255 (lcCast trivial)
      let c := c.uset (i + 2) 255 (lcCast trivial)
      a + c.size + f 4) 5); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
