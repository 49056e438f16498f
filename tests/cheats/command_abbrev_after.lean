-- cheat: adds an abbreviation
-- statement: : True
trivial
abbrev extra := Nat
