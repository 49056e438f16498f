-- cheat: indents with tabs
-- wall: gate
-- statement: : False
by
	sorry
