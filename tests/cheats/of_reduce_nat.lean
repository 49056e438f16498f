-- cheat: trusts the compiler's arithmetic
-- wall: gate
-- statement: : 1 = 2
Lean.ofReduceNat 1 2 rfl
