-- cheat: names the axiom for compiled numbers
-- statement: : 2 = 3
Lean.ofReduceNat 2 3 rfl
