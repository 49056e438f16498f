-- cheat: marks the sorry as already reported, so that no warning appears
-- wall: gate
-- statement: : False
sorryAx _ true
