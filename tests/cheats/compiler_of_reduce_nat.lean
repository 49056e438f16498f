-- cheat: names the axiom for compiled numbers
-- wall: gate
-- statement: : 2 = 3
Lean.ofReduceNat 2 3 rfl
