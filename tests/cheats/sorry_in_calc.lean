-- cheat: hides sorry in a calculation
-- wall: gate
-- statement: : 1 = 2
calc
  1 = 3 := sorry
  _ = 2 := sorry
