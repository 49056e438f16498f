-- cheat: leaves the goal open with the tactic sorry
-- wall: gate
-- statement: : False
by sorry
