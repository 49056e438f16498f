-- cheat: hides sorry one step down
-- wall: gate
-- statement: : False
by
  have h : False := sorry
  exact h
