-- cheat: reaches Lean by its root
-- wall: gate
-- statement: : 1 = 2
by exact _root_.Lean.ofReduceBool _ _ rfl
