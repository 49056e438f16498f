-- cheat: ends the declaration with a module doc comment
-- statement: : True
trivial
/-! the end -/
