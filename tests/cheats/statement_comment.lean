-- cheat: hides what follows in a comment of the statement
-- wall: gate
-- statement: : 1 = 1 --
rfl
