-- cheat: leaves the goal open with the term sorry
-- statement: : False
sorry
