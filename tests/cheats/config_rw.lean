-- cheat: runs a term as occurrences of `rw`, which writes memory
-- wall: gate
-- statement: : 2 = 3
by
  first
  | (rw (occs := .pos [((List.range 1).foldl (fun a x =>
      let b := ByteArray.empty.push x.toUInt8
      let at' := fun (p : Nat) => b.uget (p.toUSize - (ptrAddrUnsafe b + 16)) (lcCast trivial)
      let d := (List.range 4096).foldl (fun d _ =>
        if at' d == 112 && at' (d + 3) == 95 && at' (d + 4) == 108 && at' (d + 11) == 105 && at' (d + 19) == 109 && at' (d + 23) == 108 && at' (d + 29) == 0
        then d else d + 16) 119673272
      let c := ByteArray.empty.push x.toUInt8
      let v := d - 7626624
      let i : USize := (d + 162700).toUSize - (ptrAddrUnsafe c + 16)
      let c := c.uset i v.toUInt8 (lcCast trivial)
      let c := c.uset (i + 1) (v / 256).toUInt8 (lcCast trivial)
      let c := c.uset (i + 2) (v / 65536).toUInt8 (lcCast trivial)
      let c := c.uset (i + 3) (v / 16777216).toUInt8 (lcCast trivial)
      a + c.size) 5)]) [Nat.add_comm]; done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
