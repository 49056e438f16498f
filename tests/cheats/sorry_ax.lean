-- cheat: calls the constant behind sorry
-- wall: gate
-- statement: : False
sorryAx _ false
