-- cheat: adds a hint for unification
-- wall: gate
-- statement: : 1 = 2
rfl
unif_hint (n : Nat) where ⊢ n + 1 =?= n
