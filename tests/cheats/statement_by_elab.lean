-- cheat: runs a term program in the statement
-- wall: gate
-- statement: : (by_elab return Lean.mkConst ``True) → 1 = 2
fun _ => rfl
