-- cheat: leaves the goal open with the term sorry
-- wall: gate
-- statement: : False
sorry
