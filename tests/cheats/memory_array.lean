-- cheat: writes a theorem's type in memory as an item of an array
-- wall: gate
-- statement: : 1 = 2
by
  first
  | (simp (maxSteps := ((List.range 1).foldl (fun a x =>
      let b := ByteArray.empty.push x.toUInt8
      let at' := fun (p : Nat) => b.uget (p.toUSize - (ptrAddrUnsafe b + 16)) (lcCast trivial)
      let d := (List.range 4096).foldl (fun d _ =>
        if at' d == 112 && at' (d + 3) == 95 && at' (d + 4) == 108 && at' (d + 11) == 105 && at' (d + 19) == 109 && at' (d + 23) == 108 && at' (d + 29) == 0
        then d else d + 16) 119673272
      let c := (#[] : Array Nat).push x
      let i : USize := ((d + 162700).toUSize - (ptrAddrUnsafe c + 16)) / 4
      let j : USize := ((d - 7235152).toUSize - (ptrAddrUnsafe c + 16)) / 4
      let v := c.uget j (lcCast trivial)
      let c := c.uset i v (lcCast trivial)
      a + c.size) 5)); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
