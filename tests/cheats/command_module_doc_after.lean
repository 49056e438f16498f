-- cheat: ends the declaration with a module doc comment
-- wall: gate
-- statement: : True
trivial
/-! the end -/
