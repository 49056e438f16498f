-- cheat: adds a simplification procedure that lies
-- wall: gate
-- statement: : False
by simp
simproc lie (False) := fun _ => return .done { expr := .const ``True [] }
