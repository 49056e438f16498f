-- cheat: changes what addition means
-- wall: gate
-- statement: : 1 + 1 = 3
-- header: instance : HAdd Nat Nat Nat := ⟨fun _ _ => 3⟩
rfl
