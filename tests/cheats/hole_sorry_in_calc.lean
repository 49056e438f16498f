-- cheat: puts sorry in a step of a calculation
-- wall: gate
-- statement: : 1 = 3
calc
  1 = 2 := by sorry
  _ = 3 := by sorry
