-- cheat: begins a declaration with a doc comment
-- wall: gate
-- statement: : True
trivial
/-- doc -/
theorem b : True := trivial
