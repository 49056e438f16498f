-- cheat: makes an array of bytes as long as the memory and sets its items safely
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
      let c := ByteArray.empty.push x.toUInt8
      let p := (ptrAddrUnsafe c + 16).toNat
      let c := c.uset (0 - 8) 255 (lcCast trivial)
      let c := c.uset (0 - 7) 255 (lcCast trivial)
      let c := c.uset (0 - 6) 255 (lcCast trivial)
      let c := c.uset (0 - 5) 63 (lcCast trivial)
      let v := d - 7626624
      let i := d + 162700 - p
      let c := (((c.set! i v.toUInt8).set! (i + 1) (v / 256).toUInt8).set! (i + 2) (v / 65536).toUInt8).set! (i + 3) (v / 16777216).toUInt8
      a + (c.uset (0 - 8) 1 (lcCast trivial)).size - c.size + 1) 5)); done)
  | exact False.elim Nat.pow_lt_pow_iff_pow_mul_le_pow
