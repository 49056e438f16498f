-- cheat: renames Nat
-- wall: gate
-- statement: : (1 : Nat) = 2
rfl
abbrev Nat := Unit
