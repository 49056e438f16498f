-- cheat: runs code as a term
-- wall: gate
-- statement: : False
by_elab return .const ``sorryAx []
