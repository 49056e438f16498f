-- cheat: gives the theorem a second body
-- wall: lean
-- statement: : False
trivial := by skip
