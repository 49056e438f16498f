-- cheat: claims that both sides are the same
-- wall: lean
-- statement: (n : Nat) : n = n + 1
rfl
