-- cheat: declares a simplification procedure above the statement
-- wall: gate
-- statement: : 1 = 2
-- header: import Lean\nsimproc_decl lie (1 = 2) := fun _ => return .done { expr := Lean.mkConst ``True }
by simp
