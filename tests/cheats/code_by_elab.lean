-- cheat: runs code as a term
-- statement: : False
by_elab return .const ``sorryAx []
