-- cheat: trusts the compiler's evaluation
-- wall: gate
-- statement: : decide (1 = 2) = true
Lean.ofReduceBool (decide (1 = 2)) true rfl
