-- cheat: changes what + means
-- wall: gate
-- statement: : 1 + 1 = 3
rfl
instance : Add Nat := ⟨fun _ _ => 3⟩
