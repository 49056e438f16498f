-- cheat: names the axiom of compiled code
-- wall: gate
-- statement: : 2 ^ 64 % 7 = 2
of_decide_eq_true (Lean.ofReduceBool (decide (2 ^ 64 % 7 = 2)) true rfl)
