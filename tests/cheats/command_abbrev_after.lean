-- cheat: adds an abbreviation
-- wall: gate
-- statement: : True
trivial
abbrev extra := Nat
