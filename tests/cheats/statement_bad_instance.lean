-- cheat: brings a false order in a local instance
-- wall: lean
-- statement: : (2 : Nat) < 1
by
  letI : LT Nat := ⟨fun _ _ => True⟩
  exact (trivial : (2 : Nat) < 1)
