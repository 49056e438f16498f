-- cheat: leaves the goal open with the tactic sorry
-- statement: : False
by sorry
