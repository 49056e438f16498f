-- cheat: makes every tactic block sorry
-- wall: gate
-- statement: : False
set_option debug.byAsSorry true in (by simp : False)
