-- cheat: begins a declaration with a doc comment
-- statement: : True
trivial
/-- doc -/
theorem b : True := trivial
