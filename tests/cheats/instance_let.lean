-- cheat: changes what + means inside the proof
-- wall: lean
-- statement: (a b : Nat) : a + b = a
letI : HAdd Nat Nat Nat := ⟨fun a _ => a⟩
rfl
